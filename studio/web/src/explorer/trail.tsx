import { type ReactNode, useId } from "react";
import { claimedFrom, type Settlement, sharesOf } from "../../../../sdk/views/money.ts";
import type { Commitment, ModelMoney, useEpochs } from "../reads.ts";
import { Card } from "../ui/page.tsx";
import { Address, Money } from "../ui/values.tsx";
import { Bar, type Part } from "./bars.tsx";

export type Epoch = NonNullable<ReturnType<typeof useEpochs>["data"]>[number];

const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);

/** Where an epoch's fees went, from the customer to the contributors' accounts. */
export function Trail({
  model,
  commitment,
  epoch,
  settlement,
}: {
  model: ModelMoney;
  commitment: Commitment;
  epoch: Epoch;
  settlement?: Settlement;
}) {
  const { fees, dataBps } = epoch.chain;
  const shares = sharesOf(
    { fees, dataBps },
    model.credits.filter(({ epochId }) => epochId === epoch.epochId),
    sum(model.royalties.filter(({ epochId }) => epochId === epoch.epochId).map(({ amount }) => amount)),
  );
  const percent = (bps: bigint) => `${Number(bps) / 100} %`;
  const split = model.splitBps;
  const parts: Part[] = [
    { name: `Data ${percent(split.data)}`, amount: shares.data, colour: 1 },
    {
      name: `Model owner ${percent(split.owner)}${shares.royalties > 0n ? ", with royalties to its ancestors" : ""}`,
      amount: shares.owner + shares.royalties,
      colour: 2,
    },
    { name: `Server ${percent(split.server)}`, amount: shares.server, colour: 3 },
    { name: `Operator ${percent(split.operator)}`, amount: shares.operator, colour: 4 },
    { name: `Protocol ${percent(split.protocol)}`, amount: shares.protocol, colour: 5 },
  ];
  const pot = settlement?.pot ?? shares.data;
  const dust = pot - shares.data;
  const claimed = settlement
    ? claimedFrom(
        settlement,
        commitment.accounts.map(({ claimed }) => claimed),
      )
    : [];
  const paid = settlement?.pay ?? [];
  const contributors: Part[] = paid.map((amount, c) => ({ name: `Contributor ${c + 1}`, amount, colour: 1 + (c % 5) }));
  const claimedParts = contributors.map((part, c) => ({ ...part, amount: claimed[c]! }));
  const openParts = contributors.map((part, c) => ({ ...part, amount: part.amount - claimed[c]! }));
  const whole = fees > pot ? fees : pot;
  return (
    <Card title={`Where the money of epoch ${epoch.epochId} went`}>
      <ol className="trail">
        <Step
          name="Fees"
          amount={fees}
          bar={<Bar parts={parts} whole={whole} />}
          legend={parts.map((part) => <Key key={part.name} {...part} />)}
        >
          Customers paid them with vouchers; each fee is split at once by the model's terms.
        </Step>
        <Step name="Pot" amount={pot} bar={<Bar parts={[{ ...parts[0]!, amount: pot }]} whole={whole} />}>
          The data's part of the fees{dust > 0n && ", and what rounding left of the last pot"}. Nobody can touch it
          until the epoch is settled.
        </Step>
        <Step
          name="Shares"
          amount={sum(paid)}
          bar={<Bar parts={contributors} whole={whole} />}
          legend={contributors.map((part, c) => (
            <Key
              key={part.name}
              {...part}
              name={
                <>
                  {c + 1} <Address of={commitment.accounts[c]!.account} />
                </>
              }
            />
          ))}
        >
          {settlement
            ? `What the settlement gave the contributors${settlement.totals.length > 0 ? ", by proven scores" : ", by base weights"}.`
            : "Set when the epoch is settled."}
        </Step>
        <Step
          name="Claimable"
          amount={sum(openParts.map(({ amount }) => amount))}
          bar={<Bar parts={openParts} whole={whole} />}
        >
          {settlement ? "Of this epoch's shares, not fetched yet." : "Nothing before the settlement."}
        </Step>
        <Step name="Claimed" amount={sum(claimed)} bar={<Bar parts={claimedParts} whole={whole} />}>
          Paid to the contributors' accounts. A claim takes all epochs so far; the oldest shares count as paid first.
        </Step>
      </ol>
    </Card>
  );
}

function Step(of: { name: string; amount: bigint; bar: ReactNode; legend?: ReactNode[]; children: ReactNode }) {
  const id = useId();
  return (
    <li aria-labelledby={id}>
      <div className="trail-head">
        <strong id={id}>{of.name}</strong>
        <Money amount={of.amount} />
      </div>
      {of.bar}
      {of.legend && of.legend.length > 0 && <div className="legend">{of.legend}</div>}
      <small>{of.children}</small>
    </li>
  );
}

const Key = ({ name, amount, colour }: { name: ReactNode; amount: bigint; colour: number }) => (
  <span className="key">
    <i className={`part-${colour}`} /> {name}: <Money amount={amount} />
  </span>
);
