import { useState } from "react";
import { mintModel } from "../../../../sdk/models.ts";
import { content } from "../api.ts";
import { useOwn } from "../protocol.ts";
import { PARTS, readSplit, type Split, type TypedSplit } from "../split.ts";
import { useStack } from "../stack.ts";
import { Action } from "../ui/action.tsx";
import { Field } from "../ui/field.tsx";
import { Facts } from "../ui/page.tsx";
import { Hash } from "../ui/values.tsx";
import { readAmount } from "../words.ts";
import type { Job } from "./jobs.ts";
import { Settings } from "./settings.tsx";

const PARTS_OF = Object.entries(PARTS) as [keyof Split, string][];

/** The terms of a model, its manifest in words, and minting it. */
export function Mint({ job }: { job: Job }) {
  const { token } = useStack();
  const own = useOwn();
  const [inputPrice, setInputPrice] = useState("0.5");
  const [outputPrice, setOutputPrice] = useState("1.5");
  const [typed, setTyped] = useState<TypedSplit>({
    data: "50",
    owner: "15",
    server: "20",
    operator: "10",
    protocol: "5",
  });
  const manifest = job.manifest!;
  const [input, output] = [inputPrice, outputPrice].map((text) => readAmount(text, token.decimals));
  const { problems, problem, total, split } = readSplit(typed);
  const wrong =
    input === undefined || output === undefined || problem !== undefined || Object.keys(problems).length > 0;
  const priceProblem = (value: bigint | undefined) =>
    value === undefined ? `An amount with at most ${token.decimals} decimals.` : undefined;

  const mint = async () => {
    const { protocol } = await own();
    const terms = { token: token.address, inputPrice: input!, outputPrice: output!, split };
    await mintModel(protocol.models, content, manifest, terms);
  };
  return (
    <div className="stack">
      <fieldset>
        <legend>Price for 1,000 tokens, in {token.symbol}</legend>
        <div className="fields">
          <Field label="Tokens read (prompt)" problem={priceProblem(input)}>
            <input inputMode="decimal" value={inputPrice} onChange={({ target }) => setInputPrice(target.value)} />
          </Field>
          <Field label="Tokens written (answer)" problem={priceProblem(output)}>
            <input inputMode="decimal" value={outputPrice} onChange={({ target }) => setOutputPrice(target.value)} />
          </Field>
        </div>
      </fieldset>
      <fieldset>
        <legend>How each fee is shared, in percent (fixed for the model's life)</legend>
        <div className="fields">
          {PARTS_OF.map(([name, words]) => (
            <Field key={name} label={words} problem={problems[name]} hint={name === "data" ? "At most 50" : undefined}>
              <input
                inputMode="decimal"
                value={typed[name]}
                onChange={({ target }) => setTyped({ ...typed, [name]: target.value })}
              />
            </Field>
          ))}
        </div>
        <p className={problem ? "sum wrong" : "sum"} role="status">
          Sum: {total}. {problem}
        </p>
      </fieldset>
      <details open>
        <summary>What you sign</summary>
        <div className="stack inset">
          <p>
            That <strong>{manifest.name}</strong> is an adapter for {manifest.base.name}, trained on{" "}
            {manifest.versions.map(({ datanetId, version }) => `Datanet ${datanetId}, version ${version}`).join("; ")}{" "}
            with these settings, and that its rows' influence is measured by method {manifest.methodVersion}.
            Contributors of these versions will be paid from its fees.
          </p>
          <div className="columns">
            <Settings of={manifest.training} />
            <Facts
              of={{
                "Base, hash": <Hash of={manifest.base.hash} />,
                "Adapter, hash": <Hash of={manifest.adapter.hash} />,
                "Adapter, content": <Hash of={manifest.adapter.weights} />,
                "Sketches, content": <Hash of={manifest.sketches.rows} />,
                "Manifest, content": <Hash of={job.manifestCid!} />,
                "Manifest, hash": <Hash of={job.manifestHash!} />,
              }}
            />
          </div>
        </div>
      </details>
      <div>
        <Action primary disabled={wrong && "Correct the terms first."} run={mint}>
          Mint model
        </Action>
      </div>
    </div>
  );
}
