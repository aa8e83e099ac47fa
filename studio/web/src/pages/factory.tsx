import { useState } from "react";
import { useNavigate } from "react-router";
import { type Base, Bases, useBases } from "../make/bases.tsx";
import { Step, Tiles } from "../make/choose.tsx";
import { startJob } from "../make/jobs.ts";
import { JobList } from "../make/list.tsx";
import { Settings, WEIGHTS, type WeightFormat } from "../make/settings.tsx";
import { type Frozen, Versions } from "../make/versions.tsx";
import "../make/make.css";
import { useStack } from "../stack.ts";
import { Action } from "../ui/action.tsx";
import { Field } from "../ui/field.tsx";
import { PageHead } from "../ui/page.tsx";

export function FactoryPage() {
  const { presets } = useStack();
  const { bases } = useBases();
  const navigate = useNavigate();
  const [data, setData] = useState<{ datanet: Frozen; version: string }>();
  const [base, setBase] = useState<Base | undefined>(bases[0]);
  const [preset, setPreset] = useState(Object.keys(presets)[0]!);
  const [weights, setWeights] = useState<WeightFormat>("f32");
  const [typedName, setName] = useState<string>();
  const name = typedName ?? (data ? `${data.datanet.name}, ${presets[preset]!.title.toLowerCase()}` : "");
  const missing =
    (data === undefined && "Choose a Datanet.") ||
    (base === undefined && "Choose a base.") ||
    (name.trim() === "" && "Give the model a name.");

  const train = async () => {
    const version = { datanetId: data!.datanet.id, version: data!.version };
    const job = await startJob({ name: name.trim(), ...version, base: base!.id, preset, weights });
    await navigate(`/factory/${job.id}`);
  };
  return (
    <>
      <PageHead title="Model Factory">
        Fine-tune a base model on a Datanet. It is trained on this machine; when it is done you try it, mint it and put
        it to work.
      </PageHead>
      <Step n={1} title="Data" note="A Datanet's frozen version: its rows and contributors can no longer change.">
        <Versions chosen={data} choose={(datanet, version) => setData({ datanet, version })} />
      </Step>
      <Step
        n={2}
        title="Base model"
        note="What is fine-tuned. It stays as it is: training makes a small adapter for it."
      >
        <Bases chosen={base?.id} choose={setBase} />
      </Step>
      <Step n={3} title="Preset" note="How long and how strongly it is trained.">
        <Tiles of={Object.entries(presets)} keyOf={([key]) => key} chosen={preset} choose={([key]) => setPreset(key)}>
          {([, { title, note }]) => (
            <>
              <strong>{title}</strong>
              <small>{note}</small>
            </>
          )}
        </Tiles>
        <details>
          <summary>All settings</summary>
          <div className="inset">
            <Settings of={presets[preset]!} />
            <Field
              label="Base in memory"
              hint="For bases that would not fit otherwise. In 4 bits the model learns over a coarser base, as QLoRA does."
            >
              <select value={weights} onChange={({ target }) => setWeights(target.value as WeightFormat)}>
                {Object.entries(WEIGHTS).map(([format, title]) => (
                  <option key={format} value={format}>
                    {title}
                  </option>
                ))}
              </select>
            </Field>
          </div>
        </details>
      </Step>
      <Step n={4} title="Name and train">
        <Field label="Model name" hint="Customers see it.">
          <input value={name} maxLength={100} onChange={({ target }) => setName(target.value)} />
        </Field>
        <div>
          <Action primary disabled={missing} run={train}>
            Train
          </Action>
        </div>
      </Step>
      <JobList />
    </>
  );
}
