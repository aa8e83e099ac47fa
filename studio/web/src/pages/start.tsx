import type { ReactNode } from "react";
import { Link } from "react-router";
import { useDatanets, useModels } from "../reads.ts";
import { Pending } from "../ui/notice.tsx";
import { Card, PageHead } from "../ui/page.tsx";
import { Money } from "../ui/values.tsx";
import "./start.css";

const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);

export function StartPage() {
  const datanets = useDatanets();
  const models = useModels();
  return (
    <>
      <PageHead title="Pay the data behind every answer">
        People pool data, models are tuned on it, customers pay for answers, and every fee finds its way back to the
        rows that shaped the answers, under a proof that the contract checks. All of it runs on this machine, on a local
        chain that starts empty each time.
      </PageHead>
      <Picture />
      {datanets.data && models.data ? (
        <>
          <Totals datanets={datanets.data} models={models.data} />
          <Steps datanets={datanets.data} models={models.data} />
        </>
      ) : (
        <Pending of={datanets.error ? datanets : models} what="Counts" />
      )}
    </>
  );
}

/** The path of data and the path of money; they meet in the model and in the contributor. */
function Picture() {
  return (
    <Card>
      <div className="flow">
        <Lane name="Data">
          <Stop name="Contributors">send rows of text</Stop>
          <Stop name="Datanet">is reviewed, then frozen as a version</Stop>
          <Stop name="Model Factory">tunes an adapter and sketches each row's gradient</Stop>
          <Stop name="Model" meets>
            commits to the sketches and stands on OpenLoRA
          </Stop>
        </Lane>
        <Lane name="Money">
          <Stop name="Customer" meets>
            asks the model and pays by voucher
          </Stop>
          <Stop name="Epoch">collects fees; owner, server, operator and protocol get their shares</Stop>
          <Stop name="Proof">shows how much each contributor's rows scored in the answers</Stop>
          <Stop name="Contributors">claim their part of the pot</Stop>
        </Lane>
      </div>
    </Card>
  );
}

const Lane = ({ name, children }: { name: string; children: ReactNode }) => (
  <div className="lane">
    <small>{name}</small>
    <ol>{children}</ol>
  </div>
);

const Stop = ({ name, meets, children }: { name: string; meets?: boolean; children: ReactNode }) => (
  <li className={meets ? "meets" : undefined}>
    <strong>{name}</strong>
    <small>{children}</small>
  </li>
);

type Of = {
  datanets: NonNullable<ReturnType<typeof useDatanets>["data"]>;
  models: NonNullable<ReturnType<typeof useModels>["data"]>;
};

function Totals({ datanets, models }: Of) {
  const accepted = datanets.flatMap(({ contributions }) => contributions.filter(({ status }) => status === "accepted"));
  const totals: [string, ReactNode][] = [
    ["Datanets", datanets.length],
    ["Accepted rows", sum(accepted.map(({ rows }) => rows)).toLocaleString("en")],
    ["Models", models.length],
    ["Fees", <Money key="" amount={sum(models.flatMap(({ credits }) => credits.map(({ amount }) => amount)))} />],
    ["Paid to data", <Money key="" amount={sum(models.flatMap(({ accounts }) => accounts.map((a) => a.earned)))} />],
  ];
  return (
    <dl className="totals">
      {totals.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What to do first; what the chain shows as done is ticked. */
function Steps({ datanets, models }: Of) {
  const contributions = datanets.flatMap(({ contributions }) => contributions);
  const settled = models.some(({ settlements }) => settlements.length > 0);
  const open = datanets.at(-1) ? `/datanets/${datanets.at(-1)!.datanetId}` : "/datanets";
  const earning = models.find(({ commitment }) => commitment);
  const steps: { done: boolean; what: string; who: string; to: string }[] = [
    { done: datanets.length > 0, what: "Create a Datanet", who: "Datanet owner", to: "/datanets" },
    { done: contributions.length > 0, what: "Contribute files to it", who: "Contributor 1 to 4", to: open },
    {
      done: contributions.some(({ status }) => status === "accepted"),
      what: "Review what was contributed",
      who: "its reviewer",
      to: open,
    },
    {
      done: datanets.some(({ versions }) => versions.length > 0),
      what: "Freeze a version",
      who: "Datanet owner",
      to: open,
    },
    { done: models.length > 0, what: "Train a model on it, mint it", who: "Model builder", to: "/factory" },
    { done: earning !== undefined, what: "Register its sketches and deploy it", who: "Model builder", to: "/factory" },
    {
      done: models.some(({ credits }) => credits.length > 0),
      what: "Pay for an answer",
      who: "Customer",
      to: "/playground",
    },
    {
      done: settled,
      what: "Let the epoch end; the operator proves and settles it",
      who: "nobody has to act",
      to: earning ? `/explorer/models/${earning.modelId}` : "/explorer",
    },
    {
      done: models.some(({ accounts }) => accounts.some(({ claimed }) => claimed > 0n)),
      what: "See what your rows earned, and claim it",
      who: "Contributor 1 to 4",
      to: "/explorer",
    },
  ];
  const next = steps.findIndex(({ done }) => !done);
  return (
    <Card title="What to do first">
      <p className="muted">
        Choose the account that acts at the top right. Who pays for answers gets test money there too.
      </p>
      <ol className="steps">
        {steps.map(({ done, what, who, to }, index) => (
          <li key={what} className={done ? "done" : undefined} aria-current={index === next ? "step" : undefined}>
            <span className="mark">{done ? "✓" : index + 1}</span>
            <span>
              <Link to={to}>{what}</Link>
              {done && <span className="hidden"> (done)</span>}
            </span>
            <small>{who}</small>
          </li>
        ))}
      </ol>
    </Card>
  );
}
