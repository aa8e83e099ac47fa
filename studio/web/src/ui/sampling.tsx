import { Field } from "./field.tsx";

type SamplingProps = {
  maxTokens: number;
  setMaxTokens: (count: number) => void;
  /** The most that may be asked for; Infinity where that is not known. */
  most: number;
  temperature: number;
  setTemperature: (temperature: number) => void;
};

/** How long an answer may get, and how freely its tokens are chosen. */
export function Sampling({ maxTokens, setMaxTokens, most, temperature, setTemperature }: SamplingProps) {
  return (
    <>
      <Field label="Most tokens" hint={most < Number.POSITIVE_INFINITY ? `1 to ${most}` : "1 or more"}>
        <input
          type="number"
          min={1}
          max={most}
          value={maxTokens}
          onChange={({ target }) => setMaxTokens(target.valueAsNumber)}
        />
      </Field>
      <Field label="Temperature" hint="0 always takes the likeliest token">
        <input
          type="number"
          min={0}
          max={2}
          step={0.1}
          value={temperature}
          onChange={({ target }) => setTemperature(target.valueAsNumber)}
        />
      </Field>
    </>
  );
}

/** Whether what was typed can be sent. */
export const samplingFits = (maxTokens: number, most: number, temperature: number): boolean =>
  maxTokens >= 1 && maxTokens <= most && temperature >= 0 && temperature <= 2;
