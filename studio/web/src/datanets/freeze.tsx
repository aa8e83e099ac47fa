import { useAccount } from "wagmi";
import { mined } from "../../../../sdk/transactions.ts";
import { type Contribution, nextVersion, type Version } from "../../../../sdk/views/datanets.ts";
import { useOwn } from "../protocol.ts";
import { Action } from "../ui/action.tsx";
import { Empty, Notice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { Address, Hash } from "../ui/values.tsx";

type Of = { datanetId: bigint; owner: string; contributions: Contribution[]; versions: Version[] };

const rowsOf = (contributions: Contribution[]) =>
  contributions.reduce((sum, { rows }) => sum + rows, 0n).toLocaleString("en");

/** Frozen versions, and the next one. */
export function Versions({ datanetId, owner, contributions, versions }: Of) {
  const own = useOwn();
  const { address } = useAccount();
  const next = nextVersion(contributions, versions);
  const frozen = new Set(versions.at(-1)?.contributionIds);
  const added = next.filter(({ id }) => !frozen.has(id));
  const version = versions.length + 1;
  return (
    <Card title="Versions">
      {versions.length > 0 ? (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th>Version</th>
                <th>Contributions</th>
                <th className="number">Rows</th>
                <th>Hash</th>
              </tr>
            </thead>
            <tbody>
              {versions.map(({ version, contributionIds, hash }) => (
                <tr key={String(version)}>
                  <td>{String(version)}</td>
                  <td>{contributionIds.join(", ")}</td>
                  <td className="number">{rowsOf(contributions.filter(({ id }) => contributionIds.includes(id)))}</td>
                  <td>
                    <Hash of={hash} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        next.length === 0 && (
          <Empty title="Nothing is frozen yet">
            Models are trained on frozen versions. Accept a contribution, then freeze the first version here.
          </Empty>
        )
      )}
      {next.length > 0 ? (
        <div className="stack">
          <p>
            <strong>Version {version}</strong> will hold {next.length}{" "}
            {next.length === 1 ? "contribution" : "contributions"} with {rowsOf(next)} rows:{" "}
            {next.map(({ id }) => String(id)).join(", ")}
            {versions.length > 0 && added.length > 0 && ` (new: ${added.map(({ id }) => String(id)).join(", ")})`}.
            Frozen, it can never be changed.
          </p>
          {address?.toLowerCase() === owner.toLowerCase() ? (
            <div>
              <Action
                primary
                run={async () => {
                  const { protocol } = await own();
                  await mined(protocol.datanets.freeze(datanetId));
                }}
              >
                Freeze version {version}
              </Action>
            </div>
          ) : (
            <Notice kind="info">
              Only the owner, <Address of={owner} />, freezes versions. Choose that account at the top right.
            </Notice>
          )}
        </div>
      ) : (
        versions.length > 0 && (
          <p className="muted">Nothing was accepted since the last version, so there is nothing new to freeze.</p>
        )
      )}
    </Card>
  );
}
