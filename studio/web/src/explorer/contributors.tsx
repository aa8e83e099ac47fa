import { Link } from "react-router";
import { useAccount } from "wagmi";
import type { Settlement } from "../../../../sdk/views/money.ts";
import type { Commitment } from "../reads.ts";
import { Action } from "../ui/action.tsx";
import { Empty, Notice } from "../ui/notice.tsx";
import { Badge, Card } from "../ui/page.tsx";
import { Address, Money, percent } from "../ui/values.tsx";
import { useClaim } from "./claim.tsx";
import { useScores } from "./scores.ts";
import type { Epoch } from "./trail.tsx";

/** What each contributor scored in an epoch and was paid for it; what of all his earnings is left to claim. */
export function Contributors({
  modelId,
  commitment,
  epoch,
  settlement,
}: {
  modelId: bigint;
  commitment: Commitment | undefined;
  epoch: Epoch | undefined;
  settlement: Settlement | undefined;
}) {
  const { address } = useAccount();
  const claim = useClaim([modelId]);
  const scored = useScores(
    modelId,
    epoch?.epochId ?? 0n,
    commitment,
    epoch !== undefined && epoch.chain.proposedAt !== 0n,
  );
  const mine = (account: string) => account.toLowerCase() === address?.toLowerCase();
  if (commitment === undefined)
    return (
      <Card title="Contributors">
        <Empty title="No contributor is on record">
          They are once the model's sketches are registered: its owner does that in the Model Factory.
        </Empty>
      </Card>
    );
  const potShare = (c: number) =>
    settlement && settlement.pot > 0n
      ? percent(Number((settlement.pay[c]! * 100_000n) / settlement.pot) / 100_000)
      : "";
  return (
    <Card title={epoch ? `Contributors in epoch ${epoch.epochId}` : "Contributors"}>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>#</th>
              <th>Account</th>
              <th className="number">Rows</th>
              <th className="number" title="The lengths of his rows' sketches, added up">
                Base weight
              </th>
              <th className="number">Signed score</th>
              <th className="number">Total</th>
              <th className="number">Share</th>
              <th className="number">Paid</th>
              <th className="number">Claimable</th>
              <th className="number">Claimed</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {commitment.accounts.map(
              ({ contributor: c, account, contribution, rows, baseWeight, claimable, claimed }) => (
                <tr key={c}>
                  <td title={`Contribution ${contribution}`}>{c + 1}</td>
                  <td>
                    <Address of={account} /> {mine(account) && <Badge kind="plain">you</Badge>}
                  </td>
                  <td className="number">{rows.toLocaleString("en")}</td>
                  <td className="number">{baseWeight.toLocaleString("en")}</td>
                  <td className="number">{scored.data?.signed[c]?.toLocaleString("en") ?? ""}</td>
                  <td className="number">
                    {(settlement?.totals[c] ?? scored.data?.totals[c])?.toLocaleString("en") ?? ""}
                  </td>
                  <td className="number">{potShare(c)}</td>
                  <td className="number">{settlement && <Money amount={settlement.pay[c]} />}</td>
                  <td className="number">
                    <Money amount={claimable} />
                  </td>
                  <td className="number">
                    <Money amount={claimed} />
                  </td>
                  <td className="number">
                    {mine(account) && claimable > 0n && (
                      <Action small primary run={claim}>
                        Claim
                      </Action>
                    )}
                  </td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      </div>
      {scored.error && (
        <Notice kind="error" title="The scores could not be computed here">
          {scored.error.message}
        </Notice>
      )}
      <small>
        The signed score adds up all of a contributor's rows; the total leaves rows below zero out, and is what is
        proven and paid. Part of the pot follows totals, the rest base weights: the lengths of the rows' sketches, added
        up. Claimable and claimed count all epochs of this adapter.{" "}
        {commitment.versions.map(({ datanetId, version }) => (
          <Link key={`${datanetId} ${version}`} to={`/datanets/${datanetId}`}>
            Datanet {String(datanetId)}, version {String(version)}
          </Link>
        ))}
      </small>
    </Card>
  );
}
