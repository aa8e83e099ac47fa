import { useQuery } from "@tanstack/react-query";
import { type ChangeEvent, useMemo, useState } from "react";
import { useAccount } from "wagmi";
import { contribute, fetchContribution } from "../../../../sdk/datanets.ts";
import { rowHash } from "../../../../sdk/rows.ts";
import type { Contribution } from "../../../../sdk/views/datanets.ts";
import { content } from "../api.ts";
import { draftOf, refusal, type SourceFile } from "../draft.ts";
import { droppedFiles, pickedFiles } from "../drop.ts";
import { useOwn, useProtocol } from "../protocol.ts";
import { FOREVER } from "../reads.ts";
import { Action } from "../ui/action.tsx";
import { Notice } from "../ui/notice.tsx";
import { Badge, Card } from "../ui/page.tsx";
import { RowTable } from "./rows.tsx";

/** Row hashes of accepted contributions, and whose they are. What cannot be fetched is passed over: it is no copy's proof. */
function useAccepted(contributions: Contribution[]): Map<string, bigint> | undefined {
  const { protocol } = useProtocol();
  const ids = contributions.filter(({ status }) => status === "accepted").map(({ id }) => id);
  return useQuery({
    queryKey: ["accepted rows", ids.join()],
    queryFn: async () => {
      const known = new Map<string, bigint>();
      for (const id of ids) {
        const rows = await fetchContribution(protocol.datanets, content, id).catch(() => []);
        for (const { text } of rows) if (!known.has(rowHash(text))) known.set(rowHash(text), id);
      }
      return known;
    },
    ...FOREVER,
  }).data;
}

/** Takes files by drop or picker, shows the rows they give and what is wrong with them, and sends them. */
export function Contribute({ datanetId, contributions }: { datanetId: bigint; contributions: Contribution[] }) {
  const own = useOwn();
  const { address } = useAccount();
  const accepted = useAccepted(contributions);
  const [files, setFiles] = useState<SourceFile[]>([]);
  const [over, setOver] = useState(false);
  const [reading, setReading] = useState(false);
  const [withoutCopies, setWithoutCopies] = useState(true);
  const [sent, setSent] = useState<bigint>();

  const draft = useMemo(() => draftOf(files, accepted ?? new Map()), [files, accepted]);
  const copies = draft.rows.filter(({ copyOf }) => copyOf !== undefined).length;
  const rows = useMemo(
    () => (withoutCopies ? draft.rows.filter(({ copyOf }) => copyOf === undefined) : draft.rows),
    [draft, withoutCopies],
  );
  const refused = useMemo(() => refusal(rows), [rows]);

  const take = async (chosen: Promise<SourceFile[]>) => {
    setSent(undefined);
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
    const plain = rows.map(({ path, text }) => ({ path, text }));
    setSent((await contribute(protocol.datanets, content, datanetId, plain)).contributionId);
    setFiles([]);
  };
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
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
          {copies > 0 && (
            <label className="check">
              <input
                type="checkbox"
                checked={withoutCopies}
                onChange={({ target }) => setWithoutCopies(target.checked)}
              />
              Leave out the {copies} {copies === 1 ? "row that is an exact copy" : "rows that are exact copies"}
            </label>
          )}
          {rows.length > 0 && (
            <RowTable
              rows={rows}
              note={({ copyOf }) =>
                copyOf !== undefined && (
                  <Badge kind="wait">{copyOf === "here" ? "copy" : `in contribution ${copyOf}`}</Badge>
                )
              }
            />
          )}
          <div className="row">
            <Action
              primary
              run={send}
              disabled={
                refused ??
                (address === undefined
                  ? "Choose an account at the top right first: it is credited and paid."
                  : accepted === undefined && "Comparing with what was accepted …")
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
