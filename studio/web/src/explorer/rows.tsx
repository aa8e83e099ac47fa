import { sharePot } from "../../../../sdk/epoch.ts";
import { topRows } from "../../../../sdk/scores.ts";
import type { Settlement } from "../../../../sdk/views/money.ts";
import type { Commitment } from "../reads.ts";
import { Empty, Notice, Pending } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { Address } from "../ui/values.tsx";
import { rowsByOwner, useScores, useTrainingRows } from "./scores.ts";
import type { Epoch } from "./trail.tsx";

/** Rows that are shown, best first. */
const SHOWN = 10;

/** Whose a row is and where from, and its text. */
export function RowCells({
  row,
  owner,
  rows,
}: {
  row: number;
  owner: string;
  rows: ReturnType<typeof useTrainingRows>;
}) {
  return (
    <>
      <td>
        <Address of={owner} />
        <div className="muted path">
          {rows.data?.[row]?.path ?? "…"} · row {row}
        </div>
      </td>
      <td>
        <pre>{rows.data?.[row]?.text ?? rows.error?.message ?? "…"}</pre>
      </td>
    </>
  );
}

/** The rows that scored most in an epoch, and whether the scores computed here are what the contract paid by. */
export function EarningRows({
  modelId,
  commitment,
  epoch,
  settlement,
}: {
  modelId: bigint;
  commitment: Commitment;
  epoch: Epoch;
  settlement: Settlement | undefined;
}) {
  const proposed = epoch.chain.proposedAt !== 0n;
  const scored = useScores(modelId, epoch.epochId, commitment, proposed);
  const rows = useTrainingRows(commitment);
  const title = `Rows that earned in epoch ${epoch.epochId}`;
  if (!proposed)
    return (
      <Card title={title}>
        <Empty title="No row has a score yet">
          Rows are scored by the sum of the epoch's queries, which the operator proposes after the epoch has ended.
        </Empty>
      </Card>
    );
  if (scored.data === undefined)
    return (
      <Card title={title}>
        <Pending of={scored} what="Scores" />
      </Card>
    );
  const { scores, totals, isCommitted } = scored.data;
  const byProof = settlement !== undefined && settlement.totals.length > 0;
  const base = commitment.accounts.map(({ baseWeight }) => baseWeight);
  const same = (own: bigint[], chain: bigint[]) => own.every((amount, c) => amount === chain[c]);
  const agrees =
    byProof &&
    same(totals, settlement.totals) &&
    same(sharePot(settlement.pot, totals, epoch.chain.floorUnits, base).pay, settlement.pay);
  const best = topRows(scores, SHOWN);
  const { ownerOf } = rowsByOwner(commitment);
  return (
    <Card title={title}>
      <Notice kind={isCommitted && (agrees || !byProof) ? "good" : "error"}>
        {isCommitted
          ? "The published sketches are those committed at registration. "
          : "The published sketches are not those committed at registration: do not trust what follows. "}
        {agrees
          ? "Scores, totals and shares were recomputed here and are equal to what the contract paid."
          : byProof
            ? "What was recomputed here is not what the contract paid."
            : settlement
              ? "This epoch was paid by base weights, so scores did not count."
              : "Scores are computed here from the proposal; nothing is paid by them until the epoch is settled."}
      </Notice>
      {best.length === 0 ? (
        <Empty title="No row scored above zero">The whole pot is shared by base weights.</Empty>
      ) : (
        <div className="scroll">
          <table className="best">
            <thead>
              <tr>
                <th className="number">Score</th>
                <th>Whose, and where from</th>
                <th>Row</th>
              </tr>
            </thead>
            <tbody>
              {best.map(({ row, score }) => (
                <tr key={row}>
                  <td className="number">
                    {score.toLocaleString("en")}
                    <span className="bars" aria-hidden="true">
                      <span className="part part-1" style={{ width: `${(100 * score) / best[0]!.score}%` }} />
                    </span>
                  </td>
                  <RowCells row={row} owner={ownerOf(row).account} rows={rows} />
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <small>
        A row's score says how much the gradient of that row points the way of the epoch's answers, each weighed by its
        fee. It is an estimate of influence, not of truth or quality.
      </small>
    </Card>
  );
}
