import { useMemo, useState } from "react";
import { useAccount } from "wagmi";
import { CHECKS, type CheckName, countFindings, objection, type RowChecks } from "../../../../sdk/checks/rows.ts";
import { contribute } from "../../../../sdk/datanets.ts";
import { content } from "../api.ts";
import { draftOf, refusal, type SourceFile, without } from "../draft.ts";
import { useOwn } from "../protocol.ts";
import { Action } from "../ui/action.tsx";
import { Notice } from "../ui/notice.tsx";
import { Badge } from "../ui/page.tsx";
import { Findings } from "./findings.tsx";
import { RowTable } from "./rows.tsx";

/** Checks whose rows are left out unless one says otherwise: who has them can rarely want to publish them. */
const LEFT_OUT: CheckName[] = ["copy", "secret", "licence"];
const utf8 = new TextEncoder();

type Of = {
  datanetId: bigint;
  checks: RowChecks;
  files: SourceFile[];
  /** Told the contribution that was sent, or nothing where none was. */
  onEnd: (contributionId: bigint | undefined) => void;
};

/** Rows of files and what is wrong with them, before they are sent. */
export function Draft({ datanetId, checks, files, onEnd }: Of) {
  const own = useOwn();
  const { address } = useAccount();
  const [leftOut, setLeftOut] = useState(LEFT_OUT);
  const [allTheSame, setAllTheSame] = useState(false);
  const draft = useMemo(() => draftOf(files), [files]);
  const found = useMemo(() => checks.check({ id: undefined, rows: draft.rows }), [draft, checks]);
  const rows = useMemo(() => without(draft.rows, found, leftOut), [draft, found, leftOut]);
  const left = useMemo(() => checks.check({ id: undefined, rows }), [rows, checks]);
  const refused = useMemo(() => refusal(rows), [rows]);
  const against = objection({ id: undefined, rows }, left);
  const bytes = rows.reduce((sum, { text }) => sum + utf8.encode(text).length, 0);
  const send = async () => {
    const { protocol } = await own();
    onEnd((await contribute(protocol.datanets, content, datanetId, rows)).contributionId);
  };
  return (
    <>
      <p className="row">
        <strong>
          {rows.length.toLocaleString("en")} {rows.length === 1 ? "row" : "rows"}
        </strong>
        <span className="muted">
          of {files.length} {files.length === 1 ? "file" : "files"}, {bytes.toLocaleString("en")} bytes
        </span>
      </p>
      {draft.problems.length > 0 && (
        <ul className="problems" aria-label="Problems">
          {draft.problems.map(({ path, name, text, refused }) => (
            <li key={path + name}>
              <Badge kind={refused ? "bad" : "wait"}>{name}</Badge>
              <span>
                <code>{path}</code> <span className="muted">{text}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
      {Object.entries(countFindings(found)).map(([name, count]) => (
        <label className="check" key={name}>
          <input
            type="checkbox"
            checked={leftOut.includes(name as CheckName)}
            onChange={({ target }) =>
              setLeftOut(
                target.checked ? [...leftOut, name as CheckName] : leftOut.filter((checked) => checked !== name),
              )
            }
          />
          <span>
            Leave out {count} {count === 1 ? "row" : "rows"}: {CHECKS[name as CheckName].title.toLowerCase()}
          </span>
        </label>
      ))}
      {left.length > 0 && <Findings of={left} />}
      {against && (
        <Notice kind="error" title="These rows should not be sent">
          <p>{against} The reviewer sees this too.</p>
          <label className="check">
            <input type="checkbox" checked={allTheSame} onChange={({ target }) => setAllTheSame(target.checked)} />
            Send them all the same
          </label>
        </Notice>
      )}
      {rows.length > 0 && <RowTable rows={rows} />}
      <div className="row">
        <Action
          primary
          run={send}
          disabled={
            refused ??
            (address === undefined
              ? "Choose an account at the top right first: it is credited and paid."
              : checks === undefined
                ? "Comparing with the Datanet's rows …"
                : against !== undefined && !allTheSame && "Leave such rows out first.")
          }
        >
          Send {rows.length.toLocaleString("en")} {rows.length === 1 ? "row" : "rows"} for review
        </Action>
        <button type="button" onClick={() => onEnd(undefined)}>
          Start over
        </button>
      </div>
    </>
  );
}
