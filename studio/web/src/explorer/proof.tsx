import { useQuery } from "@tanstack/react-query";
import { toBeHex } from "ethers";
import type { ReactNode } from "react";
import { isDevelopmentKey } from "../../../../sdk/transcript.ts";
import type { Settlement } from "../../../../sdk/views/money.ts";
import { settlementProofOf } from "../../../../sdk/views/proofs.ts";
import { useProtocol } from "../protocol.ts";
import { FOREVER } from "../reads.ts";
import { Notice, Pending } from "../ui/notice.tsx";
import { Badge, Card } from "../ui/page.tsx";
import { Address, Hash, Money } from "../ui/values.tsx";

/** A settlement in words: what was proven, by whom, under which key, and what was not. */
export function Proof({ modelId, settlement }: { modelId: bigint; settlement: Settlement }) {
  const { protocol } = useProtocol();
  const { epochId, transaction, totals, prover, pot } = settlement;
  const proof = useQuery({
    queryKey: ["proof", transaction],
    queryFn: async () => (await settlementProofOf(protocol, modelId, settlement)) ?? null,
    ...FOREVER,
  });
  const title = `Settlement of epoch ${epochId}`;
  if (proof.data === undefined)
    return (
      <Card title={title}>
        <Pending of={proof} what="The settlement" />
      </Card>
    );
  const settled = (
    <>
      <Fact name="Transaction" value={<Hash of={transaction} />}>
        Where the contract took the settlement. Anyone could have sent it.
      </Fact>
      <Fact name="Settled for" value={<Address of={prover} />}>
        Who has the operator's share of the fees; the name is part of what is proven, so nobody can take it over.
      </Fact>
      <Fact name="Pot" value={<Money amount={pot} />}>
        What was shared among the contributors.
      </Fact>
    </>
  );
  if (proof.data === null)
    return (
      <Card title={title}>
        <Notice kind="info">
          {totals.length === 0
            ? "No proof was needed or none came in time: the pot was shared by base weights."
            : "Another contract sent the proof, so its inputs are not read here. The verifier checked it all the same."}
        </Notice>
        <dl className="meanings">{settled}</dl>
      </Card>
    );
  const { chunks, z, x, vkId, queryHash, floorUnits, gasUsed } = proof.data;
  const development = isDevelopmentKey(vkId);
  return (
    <Card title={title} aside={<Badge kind="good">proof checked by the contract</Badge>}>
      <p>
        The contract checked a zero-knowledge proof of this sentence:{" "}
        <strong>
          “The totals are the sums of all row scores above zero, contributor by contributor, where the scores follow
          from Q and from the sketches committed at registration.”
        </strong>
      </p>
      <dl className="meanings">
        {settled}
        <Fact
          name="Verifying key"
          value={
            <>
              <Hash of={vkId} /> {development && <Badge kind="bad">development key</Badge>}
            </>
          }
        >
          {development
            ? "Its secrets are public: good for trying things out, and refused by the contract on any other chain."
            : "Fixed when the epoch opened; it comes from a ceremony."}
        </Fact>
        <Fact name="Q" value={<Hash of={queryHash} />}>
          Hash of the epoch's queries, summed by fee and scaled to 8 bits by the contract. Fixed at the proposal.
        </Fact>
        <Fact name="Totals" value={totals.map((total) => total.toLocaleString("en")).join(" · ")}>
          One a contributor, in order. This is what the proof is about.
        </Fact>
        <Fact name="Floor" value={floorUnits.toLocaleString("en")}>
          Totals are divided by their sum or by this, whichever is more, so that buying answers on one's own data does
          not pay. What the totals leave is shared by base weights.
        </Fact>
        <Fact name="Chunks" value={`${chunks.length}, ${352 * chunks.length + 64} bytes`}>
          The rows are proven in pieces of one circuit; one check folds them all.
        </Fact>
        <Fact name="Gas" value={gasUsed.toLocaleString("en")}>
          What checking the proof and booking the shares cost.
        </Fact>
      </dl>
      <details>
        <summary>Public inputs of {chunks.length === 1 ? "the proof" : `the ${chunks.length} proofs`}</summary>
        <dl className="meanings">
          <Fact name="z" value={<Field of={z} />}>
            Where all scores are opened at once; drawn from a hash of everything stated before.
          </Fact>
          <Fact name="x" value={<Field of={x} />}>
            Keeps the contributors' totals apart; drawn the same way.
          </Fact>
          {chunks.map(({ h, y, a }, t) => (
            <Fact
              key={String(h)}
              name={`Chunk ${t + 1}`}
              value={
                <>
                  h <Field of={h} /> · y <Field of={y} /> · a <Field of={a} />
                </>
              }
            >
              h is the hash of the chunk's scores, y their value at z, a the chunk's totals folded with x.
            </Fact>
          ))}
        </dl>
      </details>
      <Notice kind="info" title="What is not proven">
        That the sketches are the true gradients of those rows, and that Q is the true sum of what was served. Sketches,
        adapter and rows are published, so anyone can compute them again; that is auditing, not proof.
      </Notice>
    </Card>
  );
}

const Field = ({ of }: { of: bigint }) => <Hash of={toBeHex(of, 32)} />;

const Fact = ({ name, value, children }: { name: string; value: ReactNode; children: ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>
      {value}
      <small>{children}</small>
    </dd>
  </div>
);
