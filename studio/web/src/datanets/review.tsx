import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAccount } from "wagmi";
import { fetchContribution } from "../../../../sdk/datanets.ts";
import { mined } from "../../../../sdk/transactions.ts";
import type { Contribution } from "../../../../sdk/views/datanets.ts";
import { content } from "../api.ts";
import { useOwn, useProtocol } from "../protocol.ts";
import { FOREVER } from "../reads.ts";
import { Action } from "../ui/action.tsx";
import { Field } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";
import { Addresses } from "../ui/values.tsx";
import { RowTable } from "./rows.tsx";

/** Rows of a contribution, held against the chain; for who may, what decides on it. */
export function Contents({ contribution, reviewers }: { contribution: Contribution; reviewers: string[] }) {
  const { protocol } = useProtocol();
  const { id, status } = contribution;
  const rows = useQuery({
    queryKey: ["rows", String(id)],
    queryFn: () => fetchContribution(protocol.datanets, content, id),
    ...FOREVER,
  });
  return (
    <div className="stack">
      {rows.data ? (
        <>
          <Notice kind="good">
            {rows.data.length} {rows.data.length === 1 ? "row" : "rows"}, fetched by content id and checked here: number
            and Merkle root are what the chain says.
          </Notice>
          <RowTable rows={rows.data} />
        </>
      ) : rows.error ? (
        <Notice kind="error" title="These rows are not what was submitted">
          {rows.error.message} Do not accept them.
        </Notice>
      ) : (
        <p className="muted">Fetching the rows …</p>
      )}
      {status === "pending" && <Verdict id={id} reviewers={reviewers} checked={rows.data !== undefined} />}
    </div>
  );
}

function Verdict({ id, reviewers, checked }: { id: bigint; reviewers: string[]; checked: boolean }) {
  const own = useOwn();
  const { address } = useAccount();
  const [reason, setReason] = useState("");
  if (!reviewers.some((reviewer) => reviewer.toLowerCase() === address?.toLowerCase()))
    return (
      <Notice kind="info">
        Only <Addresses of={reviewers} /> {reviewers.length === 1 ? "reviews" : "review"} contributions here. Choose
        that account at the top right to decide.
      </Notice>
    );
  const decide = (accept: boolean) => async () => {
    const { protocol } = await own();
    await mined(protocol.datanets.review([id], accept, reason.trim() || "content checked"));
  };
  return (
    <>
      <Field label="Reason" hint="Published with your decision. A rejection needs one.">
        <input
          value={reason}
          onChange={({ target }) => setReason(target.value)}
          placeholder="content checked"
          maxLength={200}
        />
      </Field>
      <div className="row">
        <Action primary run={decide(true)} disabled={!checked && "The rows must be fetched and checked first."}>
          Accept
        </Action>
        <Action danger run={decide(false)} disabled={reason.trim() === "" && "Say why before you reject."}>
          Reject
        </Action>
      </div>
    </>
  );
}
