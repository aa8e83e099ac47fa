import { useQuery } from "@tanstack/react-query";
import { type ChangeEvent, useState } from "react";
import { checkContributions } from "../../../../sdk/checks/datanet.ts";
import type { RowChecks } from "../../../../sdk/checks/rows.ts";
import type { Contribution } from "../../../../sdk/views/datanets.ts";
import { content } from "../api.ts";
import type { SourceFile } from "../draft.ts";
import { droppedFiles, pickedFiles } from "../drop.ts";
import { useProtocol } from "../protocol.ts";
import { FOREVER } from "../reads.ts";
import { Notice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { Draft } from "./draft.tsx";

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

/** Takes files by drop or picker, and shows what would be sent of them. */
export function Contribute({ datanetId, contributions }: { datanetId: bigint; contributions: Contribution[] }) {
  const checks = useChecks(datanetId, contributions);
  const [files, setFiles] = useState<SourceFile[]>([]);
  const [over, setOver] = useState(false);
  const [reading, setReading] = useState(false);
  const [sent, setSent] = useState<bigint>();

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
      {files.length > 0 &&
        (checks === undefined ? (
          <p className="muted">Comparing with the Datanet's rows …</p>
        ) : (
          <Draft
            datanetId={datanetId}
            checks={checks}
            files={files}
            onEnd={(contributionId) => {
              setSent(contributionId);
              setFiles([]);
            }}
          />
        ))}
    </Card>
  );
}
