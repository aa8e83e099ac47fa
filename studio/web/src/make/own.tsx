import type { BytesLike } from "ethers";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { useAccount } from "wagmi";
import { mined } from "../../../../sdk/transactions.ts";
import { api } from "../api.ts";
import { useOwn } from "../protocol.ts";
import { Action } from "../ui/action.tsx";
import { Notice, Pending } from "../ui/notice.tsx";
import { Badge, Card } from "../ui/page.tsx";
import { Address, Hash } from "../ui/values.tsx";
import { count } from "../words.ts";
import { Endpoint } from "./endpoint.tsx";
import type { Job } from "./jobs.ts";
import { Mint } from "./mint.tsx";
import { useOwned } from "./owned.ts";
import { TermsFacts } from "./terms.tsx";

type Step = { title: string; note: string; done: ReactNode; act: ReactNode };

/** From a trained adapter to a model that earns: one transaction after another, each of the owner's. */
export function Own({ job }: { job: Job }) {
  const { address } = useAccount();
  const own = useOwn();
  const query = useOwned(job);
  if (query.data === undefined) return <Pending of={query} what="Model" />;
  const { model, gas, epoch, deployed } = query.data;
  const isOwner = model === undefined || model.owner.toLowerCase() === address?.toLowerCase();

  const register = async () => {
    const { protocol } = await own();
    const args = await api<Registration>(`jobs/${job.id}/registration`, {});
    await mined(protocol.attribution.register(args));
  };
  const open = async () => mined((await own()).protocol.splitter.openEpoch(model!.modelId));
  const deploy = () => api(`models/${model!.modelId}/deploy`, {});

  const steps: Step[] = [
    {
      title: "Mint the model",
      note: "Makes it a token of yours, with its price and how each fee is shared.",
      done: model && (
        <>
          Model {String(model.modelId)} belongs to <Address of={model.owner} />. <TermsFacts of={model} />
        </>
      ),
      act: <Mint job={job} />,
    },
    {
      title: "Register the rows' sketches",
      note: "Commits on chain to every row's influence, so that nobody can change later whom an answer pays. The server prepares the commitments; the largest transaction of all, some millions of gas.",
      done: model?.commitment && gas !== undefined && (
        <>
          {count(Number(model.commitment.rows))} rows in {String(model.commitment.columns)} columns under{" "}
          <Hash of={model.commitment.commitmentId} />; the transaction used {count(Number(gas))} gas.
        </>
      ),
      act: (
        <Action primary run={register}>
          Register sketches
        </Action>
      ),
    },
    {
      title: "Open the first epoch",
      note: "From then on fees are collected for it. Later epochs open as earlier ones are settled.",
      done: epoch !== undefined && <>Epoch {String(epoch)} takes fees.</>,
      act: (
        <Action primary run={open}>
          Open epoch
        </Action>
      ),
    },
    {
      title: "Deploy to OpenLoRA",
      note: "Starts the server for this base, or adds the adapter to it. The first time takes some seconds.",
      done: deployed && (
        <>
          Served by <Hash of={deployed.server} /> at <code>{deployed.gateway}</code>.{" "}
          <Link to={`/playground?model=${deployed.modelId}`}>Use it in the Playground</Link>
        </>
      ),
      act: (
        <Action primary run={deploy}>
          Deploy
        </Action>
      ),
    },
  ];
  const now = steps.findIndex(({ done }) => !done);
  return (
    <Card title="Own it">
      {!isOwner && now >= 0 && (
        <Notice kind="info" title="Only the model's owner can go on">
          It belongs to <Address of={model.owner} />. Choose that account at the top right.
        </Notice>
      )}
      <ol className="path">
        {steps.map(({ title, note, done, act }, i) => {
          const state = done ? "done" : i === now ? "now" : "later";
          return (
            <li key={title} className={state} aria-label={title} aria-current={state === "now" ? "step" : undefined}>
              <div className={`step-number ${state}`} aria-hidden="true">
                {done ? "✓" : i + 1}
              </div>
              <div className="stack">
                <div className="card-head">
                  <h3>{title}</h3>
                  <Badge kind={BADGES[state].kind}>{BADGES[state].words}</Badge>
                </div>
                <div className={done ? "" : "muted"}>{done || note}</div>
                {state === "now" && isOwner && act}
              </div>
            </li>
          );
        })}
      </ol>
      {deployed && model && <Endpoint model={model} deployed={deployed} />}
    </Card>
  );
}

const BADGES = {
  done: { kind: "good", words: "Done" },
  now: { kind: "wait", words: "Now" },
  later: { kind: "plain", words: "Later" },
} as const;

/** Arguments of AttributionRegistry.register, as the server prepares them. */
type Registration = {
  modelId: string;
  vkId: string;
  k: number;
  columns: BytesLike;
  flags: [string, string];
  gRoot: string;
  m0: string;
  baseWeights: number[];
  opening: [string, string];
  sums: { root: string; total: string; proof: string[]; opening: [string, string] };
};
