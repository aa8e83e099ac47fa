import { useQuery } from "@tanstack/react-query";
import { type ChangeEvent, useMemo, useState } from "react";
import { useAccount } from "wagmi";
import { checkContributions } from "../../../../sdk/checks/datanet.ts";
import { CHECKS, type CheckName, countFindings, objection, type RowChecks } from "../../../../sdk/checks/rows.ts";
import { contribute } from "../../../../sdk/datanets.ts";
import type { Contribution } from "../../../../sdk/views/datanets.ts";
import { content } from "../api.ts";
import { draftOf, refusal, type SourceFile, without } from "../draft.ts";
import { droppedFiles, pickedFiles } from "../drop.ts";
import { useOwn, useProtocol } from "../protocol.ts";
import { FOREVER } from "../reads.ts";
import { Action } from "../ui/action.tsx";
import { Notice } from "../ui/notice.tsx";
import { Badge, Card } from "../ui/page.tsx";
import { Findings } from "./findings.tsx";
import { RowTable } from "./rows.tsx";

/** Checks whose rows are left out unless one says otherwise: who has them can rarely want to publish them. */
const LEFT_OUT: CheckName[] = ["copy", "secret", "licence"];
const utf8 = new TextEncoder();

/** Checks that know all rows of the Datanet. */
function useChecks(datanetId: bigint, contributions: Contribution[]): RowChecks | undefined {
  const { protocol } = useProtocol();
  const known = contributions.map(({ id, status }) => `${id} ${status}`);
  return useQuery({
    queryKey: ["checks", String(datanetId), known.join()],
    queryFn: async () => (await checkContributions(protocol.datanets, content, datanetId, [])).checks,
    ...FOREVER,
  }).data;
}

/** Takes files by drop or picker, shows the rows they give and what is wrong with them, and sends them. */
export function Contribute({ datanetId, contributions }: { datanetId: bigint; contributions: Contribution[] }) {
  const own = useOwn();
  const { address } = useAccount();
  const checks = useChecks(datanetId, contributions);
  const [files, setFiles] = useState<SourceFile[]>([]);
  const [over, setOver] = useState(false);
  const [reading, setReading] = useState(false);
  const [leftOut, setLeftOut] = useState(LEFT_OUT);
  const [allTheSame, setAllTheSame] = useState(false);
  const [sent, setSent] = useState<bigint>();

  const draft = useMemo(() => draftOf(files), [files]);
  const found = useMemo(() => checks?.check({ id: undefined, rows: draft.rows }) ?? [], [draft, checks]);
  const rows = useMemo(() => without(draft.rows, found, leftOut), [draft, found, leftOut]);
  const left = useMemo(() => checks?.check({ id: undefined, rows }) ?? [], [rows, checks]);
  const against = objection({ id: undefined, rows }, left);
  const refused = useMemo(() => refusal(rows), [rows]);

  const take = async (chosen: Promise<SourceFile[]>) => {
    setSent(undefined);
    setAllTheSame(false);
    setReading(true);
    try {
      setFiles(await chosen);
    } finally {
      setReading(false);
    }
  };
  const picked = ({ target }: ChangeEvent<HTMLInputElement>) => target.files && void take(pickedFiles(target.files));
  const send = async () => {
    const { protocol } = await own();
    setSent((await contribute(protocol.datanets, content, datanetId, rows)).contributionId);
    setFiles([]);
  };
  const bytes = rows.reduce((sum, { text }) => sum + utf8.encode(text).length, 0);
  return (
    <Card title="Contribute">
      <section
        className={over ? "drop over" : "drop"}
        aria-label="Drop files or a folder here"
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void take(droppedFiles(event.dataTransfer.items));
        }}
      >
        <strong>Drop text files or a folder here</strong>
        <small>They are cut into rows of at most 512 bytes in this browser. Nothing is sent until you say so.</small>
        <div className="row">
          <label className="pick">
            Choose files
            <input className="hidden" type="file" multiple onChange={picked} />
          </label>
          <label className="pick">
            Choose a folder
            <input
              className="hidden"
              type="file"
              multiple
              ref={(input) => input?.setAttribute("webkitdirectory", "")}
              onChange={picked}
            />
          </label>
        </div>
        {reading && <small>Reading …</small>}
      </section>
      {sent !== undefined && (
        <Notice kind="good" title={`Contribution ${sent} was sent`}>
          It waits for the reviewer. Once accepted it is part of the next frozen version, and you are paid when models
          trained on it earn.
        </Notice>
      )}
      {files.length > 0 && (
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
            <button type="button" onClick={() => setFiles([])}>
              Start over
            </button>
          </div>
        </>
      )}
    </Card>
  );
}
