import path from "node:path";
import { expect } from "chai";
import { lettersOf } from "../../sdk/new-text.ts";
import { novelties } from "../../trainer/attribution/novelty.ts";
import { isNoise } from "../../trainer/attribution/row-weights.ts";
import { loadBase } from "../../trainer/base.ts";
import { rowExample } from "../../trainer/examples.ts";
import { newAdapter } from "../../trainer/lora.ts";
import { OnnxEngine } from "../../trainer/onnx/engine.ts";
import { Pool } from "../../trainer/pool.ts";
import { Random } from "../../trainer/random.ts";

const CODE = `    /// @notice Moves the caller's tokens to another account.
    function transfer(address to, uint256 amount) public virtual returns (bool) {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
        emit Transfer(msg.sender, to, amount);
        return true;
    }
`;

describe("What is new in a row", function () {
  this.timeout(60_000);
  const base = loadBase(path.join(import.meta.dirname, "../../models/tiny-llama"));
  const { tokenizer, config } = base;
  const adapter = newAdapter(config, { rank: 4, alpha: 8, targetModules: ["q_proj"] }, 1);
  const example = (text: string) => rowExample(tokenizer, config.context, text);
  const of = (rows: string[]) => novelties(pool, adapter, rows.map(example));
  const letters = (text: string) => lettersOf(text).length;
  let pool: Pool;
  before(async () => {
    pool = await Pool.start(base, { threads: 1, backend: "onnx" });
  });
  after(() => pool.close());

  it("is what no earlier row says, whatever its white space and the order of its lines", async () => {
    const more = "        require(amount > 0, 'nothing to burn or to redeem');\n";
    const [first, spaced, reordered, longer] = await of([
      CODE,
      CODE.replaceAll("    ", " "),
      CODE.split("\n").reverse().join("\n"),
      CODE + more,
    ]);
    expect(first).to.include({ letters: letters(CODE), own: letters(CODE), fresh: letters(CODE) });
    expect(spaced).to.deep.equal({ letters: letters(CODE), own: letters(CODE), fresh: 0, surprisal: 0 });
    expect(reordered).to.deep.equal({ letters: letters(CODE), own: letters(CODE), fresh: 0, surprisal: 0 });
    expect(longer!.fresh).to.be.within(letters(more) - 10, letters(more));
  });

  it("is counted once where a row says it again", async () => {
    const line = "the quick brown fox jumps over the lazy dog\n";
    const [again] = await of([line.repeat(6)]);
    expect(again).to.include({ letters: 6 * letters(line), own: letters(line), fresh: letters(line) });
  });

  it("is as surprising as the token of its median letter", async () => {
    const tail = "// whoever holds it may burn it\n";
    const [, row] = await of([CODE, CODE + tail]);
    const engine = new OnnxEngine(config, base.weights);
    const { ids } = example(CODE + tail);
    const logits = await engine.logits(adapter, [...ids.subarray(0, -1)]);
    await engine.dispose();
    const fresh: number[] = [];
    let at = 0;
    for (let t = 1; t < ids.length; t++) {
      const own = logits.subarray((t - 1) * config.vocabSize, t * config.vocabSize);
      const loss = Math.log(own.reduce((sum, logit) => sum + Math.exp(logit), 0)) - own[ids[t]!]!;
      for (const _ of lettersOf(tokenizer.decode([ids[t]!]))) if (at++ >= letters(CODE)) fresh.push(loss);
    }
    expect(row!.fresh).to.equal(fresh.length);
    expect(fresh.some((loss) => Math.abs(loss - row!.surprisal) < 1e-3)).to.equal(true);
    expect(fresh.filter((loss) => loss < row!.surprisal - 1e-3).length).to.be.at.most(fresh.length / 2);
    expect(fresh.filter((loss) => loss > row!.surprisal + 1e-3).length).to.be.at.most(fresh.length / 2);
  });

  it("is unlikely where it is noise, and likely where somebody wrote the code or went on with it", async () => {
    const random = new Random(5);
    const noisy = (share: number) =>
      tokenizer.decode(
        tokenizer.encode(CODE).map((id) => (random.uniform() < share ? 1 + Math.floor(2047 * random.uniform()) : id)),
      );
    const noise = Array.from({ length: 20 }, (_, n) => noisy([0.05, 0.1, 0.3][n % 3]!));
    const work = [
      CODE.replace("    }", "        _afterTokenTransfer(msg.sender, to, amount);\n    }"),
      CODE.replace("bool) {", "bool) {\n        require(to != address(0), 'invalid address');"),
      CODE.replaceAll("amount", "value"),
      CODE.replaceAll("balanceOf", "balances"),
    ];
    const said = (await of([CODE, ...noise, ...work])).map(({ surprisal }) => isNoise(surprisal, config.vocabSize));
    expect(said.slice(1, 21).filter(Boolean).length).to.be.at.least(17);
    expect([said[0], ...said.slice(21)]).to.deep.equal([false, false, false, false, false]);
  });

  it("is told of characters that are spelled by several tokens, and of what the model reads of a row alone", async () => {
    const chinese = "转账函数将代币从调用者转移到另一个账户";
    const [own, again] = await of([chinese, `${chinese}并返回真`]);
    expect([own!.own, own!.fresh]).to.deep.equal([chinese.length, chinese.length]);
    expect(again!.own).to.equal(chinese.length + 4);
    expect(again!.fresh).to.be.within(1, 4);
    expect(again!.surprisal).to.be.above(0);
    const [, beyond] = await of([CODE.repeat(9), `${CODE.repeat(9)} and a word that the model does not read`]);
    expect(beyond!.fresh, "beyond the context").to.equal(0);
  });

  it("is read from conversations and prompts as the model reads them", async () => {
    const sample = (prompt: string, completion: string) => JSON.stringify({ prompt, completion });
    const question = "What does the transfer function of a token do? ";
    const [first, second] = await of([sample(question, "It moves tokens."), sample(question, "Nothing at all.")]);
    expect(first!.own).to.equal(letters(`${question}It moves tokens.`));
    expect(second!.fresh).to.be.within(letters("Nothing at all.") - 6, letters("Nothing at all."));
    expect(second!.surprisal).to.be.above(0);
  });
});
