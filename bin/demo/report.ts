import { type ContractTransactionReceipt, formatUnits } from "ethers";
import type { Settlement } from "../../prover/settlement.ts";
import { scoreRows } from "../../prover/witness.ts";
import { netEfficiency } from "../../sdk/epoch.ts";
import { Bm25, topContributorAccuracy } from "../../trainer/index.ts";
import type { Attempt } from "./forgeries.ts";
import { timings } from "./step.ts";

type Answer = { truth: number; path: string; prompt: string; text: string; fee: bigint };

const percent = (part: number) => `${(100 * part).toFixed(1)}%`;
const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

/** What the demo saw, as tables for people and as one JSON object. */
export class Report {
  readonly forgeries: Attempt[] = [];
  readonly settlements: Settlement[] = [];
  readonly #names: string[];
  readonly #gas = new Map<string, number[]>();
  readonly #answers: Answer[] = [];
  readonly #scores: Int32Array[] = [];
  #proveCpuSeconds: number[] = [];

  /** @param names Contributors, in contributor order. */
  constructor(names: string[]) {
    this.#names = names;
  }

  gas(step: string, receipt: ContractTransactionReceipt): void {
    this.#gas.set(step, [...(this.#gas.get(step) ?? []), Number(receipt.gasUsed)]);
  }

  answer(answer: Answer): void {
    this.#answers.push(answer);
  }

  /** Scores of all rows under each query, in the order of the answers. */
  scores(scores: Int32Array[]): void {
    this.#scores.push(...scores);
  }

  proof({ user, system }: NodeJS.CpuUsage): void {
    this.#proveCpuSeconds.push((user + system) / 1e6);
  }

  settled(settlement: Settlement, receipt: ContractTransactionReceipt): void {
    this.gas("settle", receipt);
    this.settlements.push(settlement);
  }

  /** Prints everything; returns the JSON object. */
  finish(facts: {
    texts: string[];
    counts: number[];
    sketches: { rows: Int8Array; k: number; basis: { energyKept: number } };
    loss: { heldOutBefore: number; heldOutAfter: number };
    constraints: number;
    money: { in: bigint; paid: bigint; held: bigint };
    earned: bigint[];
    decimals: number;
    startedAt: number;
  }) {
    const { texts, counts, sketches, loss, constraints, money, earned, decimals } = facts;
    const owners = counts.flatMap((count, c) => Array<number>(count).fill(c));
    const units = (amount: bigint) => formatUnits(amount, decimals);
    const title = (text: string) => console.log(`\n── ${text}`);

    title("Contributors");
    const signed = counts.map(() => 0);
    for (const { statement } of this.settlements)
      for (const [i, score] of scoreRows(sketches.rows, statement.q).entries()) signed[owners[i]!]! += score;
    const allEarned = earned.reduce((a, b) => a + b, 0n);
    console.table(
      this.#names.map((contributor, c) => ({
        contributor,
        rows: counts[c],
        "signed score": signed[c],
        share: percent(Number(earned[c]!) / Number(allEarned)),
        "paid (TUSD)": units(earned[c]!),
      })),
    );

    title("Who earned on whose held-out files (share of positive scores)");
    const perQuery = this.#scores.map((scores) =>
      counts.map((_, c) => sum(scores.map((score, i) => (owners[i] === c ? Math.max(score, 0) : 0)))),
    );
    const earnedMost = this.#names.map((file, truth) => {
      const totals = counts.map((_, c) =>
        sum(perQuery.filter((_, t) => this.#answers[t]!.truth === truth).map((q) => q[c]!)),
      );
      const best = totals.indexOf(Math.max(...totals));
      const shares = this.#names.map((name, c) => [name, percent(totals[c]! / sum(totals))]);
      return { "held-out files of": file, ...Object.fromEntries(shares), most: this.#names[best] };
    });
    console.table(earnedMost);
    const asked = this.#answers.map(({ truth }, t) => ({ scores: this.#scores[t]!, truth }));
    const ours = topContributorAccuracy(owners, asked);
    const bm25 = new Bm25(texts);
    const retrieval = topContributorAccuracy(
      owners,
      this.#answers.map(({ truth, prompt, text }) => ({ scores: bm25.scores(prompt + text), truth })),
    );
    const interval = (range: [number, number]) => range.map(percent).join(" to ");
    console.table([
      {
        method: "attribution (this system)",
        accuracy: percent(ours.accuracy),
        "95% interval": interval(ours.interval),
      },
      {
        method: "BM25 over the rows",
        accuracy: percent(retrieval.accuracy),
        "95% interval": interval(retrieval.interval),
      },
      { method: "chance", accuracy: percent(ours.chance) },
      { method: "majority class", accuracy: percent(ours.majority) },
    ]);

    title("Three completions");
    for (const { path, prompt, text } of [0, 1, 2].map((n) => this.#answers[n * Math.floor(this.#answers.length / 3)]!))
      console.log(`${path}\n  prompt: ${JSON.stringify(prompt.slice(-160))}\n  answer: ${JSON.stringify(text)}`);

    title("Forgeries");
    console.table(this.forgeries);

    title("Gas");
    console.table(
      [...this.#gas].map(([step, gas]) => ({
        step,
        times: gas.length,
        least: Math.min(...gas),
        most: Math.max(...gas),
      })),
    );

    title("Time");
    console.table(timings);

    title("Money (TUSD)");
    console.table([
      { what: "in: the customer's deposit", amount: units(money.in) },
      { what: "paid out", amount: units(money.paid) },
      { what: "held: deposit left, and dust", amount: units(money.held) },
      { what: "in − paid − held", amount: units(money.in - money.paid - money.held) },
    ]);

    const kappas = this.settlements.map(({ totals, statement }) => netEfficiency(totals, statement.floorUnits));
    const claims = this.#gas.get("claim")!;
    const reverted = this.forgeries.filter((attempt) => attempt.reverted).length;
    const ok = reverted === 3 && money.in === money.paid + money.held && loss.heldOutAfter < 0.9 * loss.heldOutBefore;
    const seconds = Math.round((performance.now() - facts.startedAt) / 1000);
    console.log(
      `\n${ok ? "Done" : "FAILED"} in ${seconds} s: held-out loss ${loss.heldOutBefore.toFixed(3)} → ${loss.heldOutAfter.toFixed(3)}, ` +
        `k = ${sketches.k} keeping ${percent(sketches.basis.energyKept)} of the gradients' energy, κ = ${kappas[0]!.toFixed(2)}, ` +
        `${reverted} of 3 forgeries reverted, every unit of money accounted for.`,
    );
    return {
      ok,
      rows: texts.length,
      contributors: counts.length,
      k: sketches.k,
      energyKept: sketches.basis.energyKept,
      kappa: kappas[0],
      loss,
      queries: this.#answers.length,
      constraints,
      constraintsPerRow: constraints / 1260,
      proveCpuSeconds: Number(this.#proveCpuSeconds.at(-1)!.toFixed(1)),
      gas: {
        registerCommitments: this.#gas.get("registerCommitments")![0],
        settle: this.#gas.get("settle")![0],
        claimFirst: claims[0],
        claimLater: claims.at(-1),
      },
      money: { in: `${money.in}`, paid: `${money.paid}`, held: `${money.held}` },
      topContributorAccuracy: ours.accuracy,
      accuracy: { interval: ours.interval, chance: ours.chance, majority: ours.majority, bm25: retrieval.accuracy },
      forgeriesReverted: reverted,
      seconds,
    };
  }
}
