import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { fetchVersion } from "../../../../sdk/datanets.ts";
import { checked, content } from "../api.ts";
import { useProtocol } from "../protocol.ts";
import { eventData } from "../sse.ts";
import { useStack } from "../stack.ts";
import { Field } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { Sampling, samplingFits } from "../ui/sampling.tsx";
import { why } from "../why.ts";
import type { Job } from "./jobs.ts";
import { samplePrompt, spread, titleOf } from "./samples.ts";

const SAMPLES = 3;
/** The most that the Studio's server answers. */
const MOST_TOKENS = 128;

type Which = "base" | "tuned";
type Answer = { prompt: string; text: string; done: boolean; error?: string };

/** The base and what was trained on it, asked the same. */
export function Compare({ job }: { job: Job }) {
  const [prompt, setPrompt] = useState("");
  const [maxTokens, setMaxTokens] = useState(48);
  const [temperature, setTemperature] = useState(0);
  const [answers, setAnswers] = useState<Record<Which, Answer>>();
  const asking = useRef<AbortController>(undefined);
  const running = answers !== undefined && !(answers.base.done && answers.tuned.done);
  const samples = useSamples(job);

  const ask = async (which: Which, signal: AbortSignal) => {
    const change = (fields: (before: Answer) => Partial<Answer>) => {
      if (asking.current?.signal === signal)
        setAnswers((all) => ({ ...all!, [which]: { ...all![which], ...fields(all![which]) } }));
    };
    try {
      const response = await fetch(`/api/jobs/${job.id}/chat`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ prompt, maxTokens, temperature, which }),
        signal,
      });
      let whole = false;
      for await (const data of eventData((await checked(response)).body!)) {
        if (data === "[DONE]") whole = true;
        else change(({ text }) => ({ text: text + (JSON.parse(data) as { text: string }).text }));
      }
      change(() => ({ done: true, ...(whole ? {} : { error: "The answer broke off. Ask again." }) }));
    } catch (error) {
      change(() => (signal.aborted ? { done: true } : { done: true, error: why(error) }));
    }
  };
  const send = () => {
    asking.current = new AbortController();
    const empty: Answer = { prompt, text: "", done: false };
    setAnswers({ base: empty, tuned: empty });
    for (const which of ["base", "tuned"] as const) void ask(which, asking.current.signal);
  };
  const valid = prompt.trim() !== "" && samplingFits(maxTokens, MOST_TOKENS, temperature);
  return (
    <Card title="Try it: base beside tuned">
      <p className="muted">
        Both go on from the same text, free of charge. This base knows no chat: begin what it shall finish.
      </p>
      <Field label="Prompt">
        <textarea className="mono" rows={4} value={prompt} onChange={({ target }) => setPrompt(target.value)} />
      </Field>
      {samples.length > 0 && (
        <div className="row samples">
          <small>From the Datanet:</small>
          {samples.map((sample) => (
            <button type="button" className="small" key={sample} title={sample} onClick={() => setPrompt(sample)}>
              {titleOf(sample)} …
            </button>
          ))}
        </div>
      )}
      <div className="fields">
        <Sampling {...{ maxTokens, setMaxTokens, temperature, setTemperature }} most={MOST_TOKENS} />
      </div>
      <div className="row">
        <button type="button" className="primary" disabled={!valid || running} onClick={send}>
          Ask both
        </button>
        {running && (
          <button type="button" onClick={() => asking.current?.abort()}>
            Stop
          </button>
        )}
        {prompt.trim() === "" && <small>Write a prompt, or take one from the Datanet.</small>}
      </div>
      {answers && (
        <div className="columns">
          <AnswerBox title={`Base: ${job.base.name}`} {...answers.base} />
          <AnswerBox title={`Tuned: ${job.name}`} {...answers.tuned} />
        </div>
      )}
    </Card>
  );
}

function AnswerBox({ title, prompt, text, done, error }: Answer & { title: string }) {
  return (
    <section className="answer" aria-label={title}>
      <h3>{title}</h3>
      <pre aria-live="polite" aria-busy={!done}>
        <span className="given">{prompt}</span>
        {text}
        {!done && " ▍"}
      </pre>
      {error && <Notice kind="error">{error}</Notice>}
    </section>
  );
}

/** Beginnings of rows that the job was trained on; none when they stand on an earlier chain. */
function useSamples({ datanetId, version, genesis }: Job): string[] {
  const { protocol } = useProtocol();
  const stack = useStack();
  const { data } = useQuery({
    queryKey: ["samples", datanetId, version],
    queryFn: async () => {
      const { rows } = await fetchVersion(protocol.datanets, content, BigInt(datanetId), BigInt(version));
      return [...new Set(spread(rows, SAMPLES).map(({ text }) => samplePrompt(text)))];
    },
    enabled: genesis === stack.genesis,
    refetchInterval: false,
  });
  return data ?? [];
}
