import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api.ts";
import { loadStack, type Stack, useStack } from "../stack.ts";
import { Action } from "../ui/action.tsx";
import { Field } from "../ui/field.tsx";
import { Progress } from "../ui/page.tsx";
import { Hash } from "../ui/values.tsx";
import { count } from "../words.ts";
import { Tiles } from "./choose.tsx";

export type Base = Stack["bases"][number];

/** The stack as it is now: bases are added while the page is open. */
export function useBases(): Pick<Stack, "bases" | "downloads"> {
  const initialData = useStack();
  return useQuery({ queryKey: ["stack"], queryFn: loadStack, initialData }).data;
}

/** Choice of the base model, and a way to add one. */
export function Bases({ chosen, choose }: { chosen: string | undefined; choose: (base: Base) => void }) {
  const { bases, downloads } = useBases();
  const [source, setSource] = useState("");
  return (
    <>
      <Tiles of={bases} keyOf={({ id }) => id} chosen={chosen} choose={choose}>
        {({ name, hash, parameters, context }) => (
          <>
            <strong>{name}</strong>
            <small>
              {millions(parameters)} parameters · context {count(context)} tokens
            </small>
            <small>
              <Hash of={hash} />
            </small>
          </>
        )}
      </Tiles>
      <details>
        <summary>Add a base model</summary>
        <div className="stack inset">
          <Field
            label="Folder or hub id"
            hint="A Hugging Face folder on this machine, such as /models/smollm2, or a hub id, such as HuggingFaceTB/SmolLM2-135M, which is downloaded."
          >
            <input value={source} onChange={({ target }) => setSource(target.value)} placeholder="owner/name" />
          </Field>
          <Action
            disabled={source.trim() === "" && "Name a folder or a hub id."}
            run={async () => {
              choose(await api<Base>("bases", { source: source.trim() }));
              setSource("");
            }}
          >
            Add base
          </Action>
          {downloads.map(({ source, received, total }) => (
            <Progress
              key={source}
              value={total === 0 ? 0 : received / total}
              label={`Downloading ${source}: ${megabytes(received)} of ${megabytes(total)}`}
            />
          ))}
        </div>
      </details>
    </>
  );
}

const millions = (n: number): string => (n < 1e9 ? `${(n / 1e6).toFixed(2)} M` : `${(n / 1e9).toFixed(2)} B`);
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
