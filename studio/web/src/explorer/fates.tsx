import { useAccount } from "wagmi";
import { type Fate, fateInWords, fateOf } from "../../../../sdk/row-fates.ts";
import type { Commitment } from "../reads.ts";
import { Empty, Pending } from "../ui/notice.tsx";
import { Badge, Card } from "../ui/page.tsx";
import { Address } from "../ui/values.tsx";
import { RowCells } from "./rows.tsx";
import { rowsByOwner, useRowRecords, useTrainingRows } from "./scores.ts";

/** Rows that are shown of those that count for nothing. */
const SHOWN = 10;
const COLUMNS: [title: string, explained: string, fates: Fate[]][] = [
  ["In full", "At least as large as the typical row", ["full"]],
  ["In part", "Smaller than that, or little in them is new", ["part"]],
  ["Repeat others", "The same as an earlier row, or like one", ["the same", "alike"]],
  ["Nothing new", "All of it stands in earlier rows", ["nothing new", "empty"]],
  ["Noise", "Half of what is new is less likely to the model than a blind guess", ["noise"]],
];

/** For how much each contributor's rows count, and why some count for nothing. */
export function RowFates({ modelId, commitment }: { modelId: bigint; commitment: Commitment }) {
  const { address } = useAccount();
  const records = useRowRecords(modelId, commitment);
  const rows = useTrainingRows(commitment);
  const title = "What each row counts for";
  if (records.data === undefined)
    return (
      <Card title={title}>
        <Pending of={records} what="What is published of the rows" />
      </Card>
    );
  const fates = records.data.weights.map((_, row) => fateOf(records.data, row));
  const { accounts } = commitment;
  const { first, ownerOf } = rowsByOwner(commitment);
  const mine = (account: string) => account.toLowerCase() === address?.toLowerCase();
  const some = accounts.some(({ account }) => mine(account));
  const nothing = [...fates.keys()].filter(
    (row) => records.data.weights[row] === 0 && (!some || mine(ownerOf(row).account)),
  );
  return (
    <Card title={title}>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>Account</th>
              <th className="number">Rows</th>
              {COLUMNS.map(([name, explained]) => (
                <th key={name} className="number" title={explained}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {accounts.map(({ contributor: c, account, rows }) => (
              <tr key={c}>
                <td>
                  <Address of={account} /> {mine(account) && <Badge kind="plain">you</Badge>}
                </td>
                <td className="number">{rows.toLocaleString("en")}</td>
                {COLUMNS.map(([name, , wanted]) => (
                  <td key={name} className="number">
                    {fates
                      .slice(first[c], first[c]! + Number(rows))
                      .filter((fate) => wanted.includes(fate))
                      .length.toLocaleString("en")}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {nothing.length === 0 ? (
        <Empty title={some ? "Every row of yours counts" : "Every row counts"}>
          None only repeats others, and none is noise.
        </Empty>
      ) : (
        <div className="scroll">
          <table className="best reasons">
            <thead>
              <tr>
                <th>{some ? "Why rows of yours count for nothing" : "Why rows count for nothing"}: each</th>
                <th>Whose, and where from</th>
                <th>Row</th>
              </tr>
            </thead>
            <tbody>
              {nothing.slice(0, SHOWN).map((row) => (
                <tr key={row}>
                  <td>{fateInWords(records.data, row)}</td>
                  <RowCells row={row} owner={ownerOf(row).account} rows={rows} />
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <small>
        {nothing.length > SHOWN && `${SHOWN} of ${nothing.length.toLocaleString("en")} are shown. `}
        So say the published sketches. Whether it is so anybody can compute again: openledger audit --model{" "}
        {String(modelId)}.
      </small>
    </Card>
  );
}
