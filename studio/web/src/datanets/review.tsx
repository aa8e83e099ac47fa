import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAccount } from "wagmi";
import { checkContributions } from "../../../../sdk/checks/datanet.ts";
import { objection } from "../../../../sdk/checks/rows.ts";
import { fetchContribution } from "../../../../sdk/datanets.ts";
import type { Row } from "../../../../sdk/rows.ts";
import { mined } from "../../../../sdk/transactions.ts";
import type { Contribution } from "../../../../sdk/views/datanets.ts";
import { content } from "../api.ts";
import { useOwn, useProtocol } from "../protocol.ts";
import { FOREVER } from "../reads.ts";
import { Action } from "../ui/action.tsx";
import { Field } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";
import { Addresses } from "../ui/values.tsx";
import { Findings } from "./findings.tsx";
import { RowTable } from "./rows.tsx";

type Of = { datanetId: bigint; contribution: Contribution; reviewers: string[] };

/** Rows of a contribution, held against the chain, and what the checks find in them; for who may, what decides on it. */
export function Contents({ datanetId, contribution, reviewers }: Of) {
  const { protocol } = useProtocol();
  const { id, status } = contribution;
  const rows = useQuery({
    queryKey: ["rows", String(id)],
    queryFn: () => fetchContribution(protocol.datanets, content, id),
    ...FOREVER,
  });
  const checks = useChecksOf(datanetId, id);
  return (
    <div className="stack">
      {rows.data ? (
        <>
          <Notice kind="good">
            {rows.data.length} {rows.data.length === 1 ? "row" : "rows"}, fetched by content id and checked here: number
            and Merkle root are what the chain says.
          </Notice>
          <Checked id={id} rows={rows.data} checks={checks} />
          <RowTable rows={rows.data} news={checks.data?.news} />
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

/** What the checks say of a contribution, held against the Datanet's rows before it. */
function useChecksOf(datanetId: bigint, id: bigint) {
  const { protocol } = useProtocol();
  return useQuery({
    queryKey: ["findings", String(id)],
    queryFn: async () => {
      const { findings, news, missing } = await checkContributions(protocol.datanets, content, datanetId, [id]);
      return { findings: findings.get(id) ?? [], news: news.get(id), missing };
    },
    ...FOREVER,
  });
}

function Checked({ id, rows, checks }: { id: bigint; rows: Row[]; checks: ReturnType<typeof useChecksOf> }) {
  const { data, error } = checks;
  if (error)
    return (
      <Notice kind="error" title="These rows could not be checked">
        {error.message}
      </Notice>
    );
  if (data === undefined) return <p className="muted">Comparing with the Datanet's rows …</p>;
  const { findings, missing } = data;
  const against = objection({ id, rows }, findings);
  return (
    <>
      {against ? (
        <Notice kind="error" title="Something speaks against these rows">
          {against}
        </Notice>
      ) : (
        <Notice kind={findings.length > 0 ? "info" : "good"}>
          {findings.length === 0
            ? "No copies of earlier rows, personal data, secrets, other licences or damaged text were found."
            : "The checks found what you should look at:"}
        </Notice>
      )}
      {missing.length > 0 && (
        <Notice kind="info">Not compared with contribution {missing.join(", ")}, whose content is not here.</Notice>
      )}
      {findings.length > 0 && <Findings of={findings} />}
    </>
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
