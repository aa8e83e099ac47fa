import { formatUnits, type TransactionReceipt } from "ethers";
import { netEfficiency } from "../../sdk/epoch.ts";
import { scoreRows } from "../../sdk/scores.ts";
import { Bm25, scores, shuffleRows, topContributorAccuracy } from "../../trainer/index.ts";
import type { Attempt } from "./forgeries.ts";
import { timings } from "./step.ts";

/** One paid answer to the start of a held-out row of package `truth`. */
export type Answer = {
  truth: number;
  path: string;
  prompt: string;
  text: string;
  fee: bigint;
  promptIds: number[];
  completionIds: number[];
};

/** What an epoch was settled by. */
export type Settlement = { q: Int8Array; totals: bigint[]; floorUnits: bigint };

const percent = (part: number) => `${(100 * part).toFixed(1)}%`;
const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

/** Prints rows under the names of their fields, the first field as each row's name. */
function table(rows: Record<string, unknown>[]): void {
  const [name] = Object.keys(rows[0]!) as [string];
  console.table(Object.fromEntries(rows.map(({ [name]: key, ...rest }) => [key, rest])));
}

/** What the demo saw, as tables for people and as one JSON object. */
export class Report {
  /** What was cut or left out, for people to know. */
  readonly notes: string[] = [];
  readonly forgeries: Attempt[] = [];
  readonly settlements: Settlement[] = [];
  readonly #names: string[];
  readonly #gas = new Map<string, number[]>();
  readonly answers: Answer[] = [];
  /** Sketches of the answers, in their order. */
  readonly queries: Int8Array[] = [];
  readonly #proveCpuSeconds: number[] = [];

  /** @param names Contributors, in contributor order. */
  constructor(names: string[]) {
    this.#names = names;
  }

  gas(step: string, receipt: TransactionReceipt): void {
    this.#gas.set(step, [...(this.#gas.get(step) ?? []), Number(receipt.gasUsed)]);
  }

  proof({ user, system }: NodeJS.CpuUsage): void {
    this.#proveCpuSeconds.push((user + system) / 1e6);
  }

  /** Prints everything; returns the JSON object. */
  finish(facts: {
    texts: string[];
    counts: number[];
    sketches: { rows: Int8Array; k: number; basis: { energyKept: number } };
    /** Sketches of the answers with only their completions scored. */
    completionAlone: Int8Array[];
    loss: { heldOutBefore: number; heldOutAfter: number };
    constraints: number;
    money: { in: bigint; paid: bigint; held: bigint };
    earned: bigint[];
    decimals: number;
  }) {
    const { texts, counts, sketches, loss, constraints, money, earned, decimals } = facts;
    const owners = counts.flatMap((count, c) => Array<number>(count).fill(c));
    const units = (amount: bigint) => formatUnits(amount, decimals);
    const title = (text: string) => console.log(`\n── ${text}`);

    title("Contributors");
    const signed = counts.map(() => 0);
    for (const { q } of this.settlements)
      for (const [i, score] of scoreRows(sketches.rows, q).entries()) signed[owners[i]!]! += score;
    const allEarned = earned.reduce((a, b) => a + b, 0n);
    table(
      this.#names.map((contributor, c) => ({
        contributor,
        rows: counts[c],
        "signed score": signed[c],
        share: percent(Number(earned[c]!) / Number(allEarned)),
        "paid (TUSD)": units(earned[c]!),
      })),
    );

    for (const note of this.notes) console.log(`Note: ${note}.`);

    title("Who earned on whose held-out files (share of positive scores)");
    const scoresOf = (queries: Int8Array[], rows = sketches.rows) =>
      queries.map((query) => scores({ rows, k: sketches.k }, query));
    const paidScores = scoresOf(this.queries);
    const perQuery = paidScores.map((row) =>
      counts.map((_, c) => sum(row.map((score, i) => (owners[i] === c ? Math.max(score, 0) : 0)))),
    );
    const earnedMost = this.#names.map((file, truth) => {
      const totals = counts.map((_, c) =>
        sum(perQuery.filter((_, t) => this.answers[t]!.truth === truth).map((q) => q[c]!)),
      );
      const best = totals.indexOf(Math.max(...totals));
      const shares = this.#names.map((name, c) => [name, percent(totals[c]! / sum(totals))]);
      return { "held-out files of": file, ...Object.fromEntries(shares), most: this.#names[best] };
    });
    table(earnedMost);
    title("How often the contributor who earned most on an answer is the package its file came from");
    const accuracy = (scores: ArrayLike<number>[]) =>
      topContributorAccuracy(
        owners,
        this.answers.map(({ truth }, t) => ({ scores: scores[t]!, truth })),
      );
    const bm25 = new Bm25(texts);
    const compared = {
      "attribution, as paid": accuracy(paidScores),
      "the same, completion alone": accuracy(scoresOf(facts.completionAlone)),
      "the same, rows shuffled": accuracy(scoresOf(this.queries, shuffleRows(sketches.rows, sketches.k, 1))),
      "BM25 over the rows": accuracy(this.answers.map(({ prompt, text }) => bm25.scores(prompt + text))),
    };
    const ours = compared["attribution, as paid"];
    table([
      ...Object.entries(compared).map(([method, { accuracy, interval }]) => ({
        method,
        accuracy: percent(accuracy),
        "95% interval": interval.map(percent).join(" to "),
      })),
      { method: "chance", accuracy: percent(ours.chance) },
      { method: "majority class", accuracy: percent(ours.majority) },
    ]);

    title("Three completions");
    for (const { path, prompt, text } of [0, 1, 2].map((n) => this.answers[n * Math.floor(this.answers.length / 3)]!))
      console.log(`${path}\n  prompt: ${JSON.stringify(prompt.slice(-160))}\n  answer: ${JSON.stringify(text)}`);

    title("Forgeries");
    table(
      this.forgeries.map(({ reason, ...rest }) => ({ ...rest, reason: reason.replace(/(0x\w{8})\w{56}/g, "$1…") })),
    );

    title("Gas");
    table(
      [...this.#gas].map(([step, gas]) => ({
        step,
        times: gas.length,
        least: Math.min(...gas),
        most: Math.max(...gas),
      })),
    );

    title("Time");
    table(timings);

    title("Money (TUSD)");
    table([
      { what: "in: the customer's deposit", amount: units(money.in) },
      { what: "paid out", amount: units(money.paid) },
      { what: "held: deposit left, and dust", amount: units(money.held) },
      { what: "in − paid − held", amount: units(money.in - money.paid - money.held) },
    ]);

    const kappas = this.settlements.map(({ totals, floorUnits }) => netEfficiency(totals, floorUnits));
    const claims = this.#gas.get("claim")!;
    const reverted = this.forgeries.filter((attempt) => attempt.reverted).length;
    const conserved = money.in === money.paid + money.held;
    const ok = reverted === 3 && conserved && loss.heldOutAfter < 0.9 * loss.heldOutBefore;
    const seconds = Math.round(performance.now() / 1000);
    console.log(
      `\n${ok ? "Done" : "FAILED"} in ${seconds} s: held-out loss ${loss.heldOutBefore.toFixed(3)} → ${loss.heldOutAfter.toFixed(3)}, ` +
        `k = ${sketches.k} keeping ${percent(sketches.basis.energyKept)} of the gradients' energy, κ = ${kappas[0]!.toFixed(2)}, ` +
        `${reverted} of 3 forgeries reverted, ${conserved ? "every unit of money accounted for" : "MONEY IS MISSING"}.`,
    );
    return {
      ok,
      rows: texts.length,
      contributors: counts.length,
      k: sketches.k,
      energyKept: sketches.basis.energyKept,
      kappa: kappas[0],
      loss,
      queries: this.answers.length,
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
      accuracy: {
        interval: ours.interval,
        chance: ours.chance,
        majority: ours.majority,
        completionAlone: compared["the same, completion alone"].accuracy,
        shuffled: compared["the same, rows shuffled"].accuracy,
        bm25: compared["BM25 over the rows"].accuracy,
      },
      forgeriesReverted: reverted,
      seconds,
    };
  }
}
