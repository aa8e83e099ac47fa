import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { selectBackend } from "../../trainer/backends.ts";
import { loadBase } from "../../trainer/base.ts";
import { ChatTemplate } from "../../trainer/chat.ts";
import {
  chatPromptIds,
  type Example,
  isScored,
  rowExample,
  sampleExample,
  scoredTokens,
} from "../../trainer/examples.ts";
import { finetune } from "../../trainer/finetune.ts";
import { newAdapter } from "../../trainer/lora.ts";
import { Pool } from "../../trainer/pool.ts";
import { readSample, requireSample } from "../../trainer/samples.ts";
import { ENGINES, failure, rowsOf, someAdapter, tinyBase } from "./tiny.ts";

/** ChatML, with the tags that transformers knows and a rule as models have it. */
const CHATML =
  "{% for message in messages %}{% if message.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}" +
  "{{ '<|' + message.role + '|>\\n' }}{% if message.role == 'assistant' %}{% generation %}{{ message.content }}{% endgeneration %}" +
  "{% else %}{{ message.content }}{% endif %}{{ eos_token + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}";

const TALK = {
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "return?" },
    { role: "assistant", content: "true;" },
    { role: "user", content: "and?" },
    { role: "assistant", content: "value" },
  ],
};

describe("samples", function () {
  this.timeout(60_000);
  const base = tinyBase({ chat_template: CHATML, max_position_embeddings: 128 });
  const { tokenizer } = base;
  const context = base.config.context;
  /** What is scored, as text with what ends it; unscored ids between are a bar. */
  const scoredText = (example: Example) =>
    [...example.ids]
      .map((id, t) => (!isScored(example, t) ? "|" : id === tokenizer.eos ? "<end>" : tokenizer.decode([id])))
      .join("")
      .replace(/\|+/g, "|");

  it("are read from lines of JSON, each form and no other", () => {
    const forms = [{ text: "plain" }, { prompt: "a", completion: "b" }, TALK];
    for (const form of forms) {
      expect(readSample(`${JSON.stringify(form)}\n`)).to.deep.equal(form);
      expect(requireSample(JSON.stringify(form), "line 1")).to.deep.equal(form);
    }
    const others = [
      ...[
        "{",
        "[]",
        "{}",
        "contract A {}",
        '{"prompt": "a"}',
        '{"prompt": "a", "completion": ""}',
        '{"prompt": 1, "completion": "b"}',
      ],
      ...['{"text": "a", "other": 1}', '{"messages": []}', '{"messages": [{"role": "user", "content": "a"}]}'],
      '{"messages": [{"role": "assistant", "content": 1}]}',
    ];
    for (const other of others) {
      expect(readSample(other), other).to.deep.equal({ text: other });
      expect(() => requireSample(other, "file.jsonl line 3"), other).to.throw(
        /file\.jsonl line 3 is no sample.*SAMPLE_INVALID/,
      );
    }
  });

  it("score all of a text, a completion given its prompt, and every turn of the assistant", () => {
    const text = sampleExample(tokenizer, context, { text: "return true;" });
    expect(scoredText(text)).to.equal("|return true;");
    const completion = sampleExample(tokenizer, context, { prompt: "return ", completion: "true;" });
    expect(scoredText(completion)).to.equal("|true;<end>");
    expect([...completion.ids.slice(0, completion.lossFrom)]).to.deep.equal([
      tokenizer.bos,
      ...tokenizer.encode("return "),
    ]);
    expect(scoredText(sampleExample(tokenizer, context, TALK))).to.equal("|true;<end>\n|value<end>\n");
  });

  it("give the model a conversation as it is served: the prompt of each answer is what the gateway would send", () => {
    const example = sampleExample(tokenizer, context, TALK);
    for (const turn of [2, 4]) {
      const prompt = chatPromptIds(tokenizer, TALK.messages.slice(0, turn), 1000);
      expect([...example.ids.slice(0, prompt.length)]).to.deep.equal(prompt);
      expect(isScored(example, prompt.length)).to.equal(true);
      expect(isScored(example, prompt.length - 1)).to.equal(false);
    }
    const short = chatPromptIds(tokenizer, TALK.messages, 10);
    expect(short).to.have.length(10);
    expect(short.slice(1)).to.deep.equal(chatPromptIds(tokenizer, TALK.messages, 1000).slice(-9));
    const without = { ...tokenizer, chat: undefined };
    const joined = [tokenizer.bos, ...tokenizer.encode("a\nb")];
    expect(
      chatPromptIds(
        without,
        [
          { role: "user", content: "a" },
          { role: "user", content: "b" },
        ],
        99,
      ),
    ).to.deep.equal(joined);
  });

  it("are told apart in the templates of the supported families", () => {
    const chatml =
      "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are helpful.<|im_end|>\n' }}{% endif %}" +
      "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
    const llama2 =
      "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}" +
      "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + message['content'] | trim + ' [/INST]' }}" +
      "{% else %}{{ ' ' + message['content'] | trim + ' ' + eos_token }}{% endif %}{% endfor %}";
    const llama3 =
      "{{ bos_token }}{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% else %}26 Jul 2024{% endif %}" +
      "{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";
    const r1 =
      "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '<|User|>' + message['content'] }}{% else %}" +
      "{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}" +
      "{{ '<|Assistant|>' + content + eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|Assistant|><think>\n' }}{% endif %}";
    const messages = ["q1", "a1", "q2", "a2"].map((content, i) => ({ role: i % 2 ? "assistant" : "user", content }));
    const expected: Record<string, [string, string[]]> = {
      ChatML: [chatml, ["a1<|im_end|>\n", "a2<|im_end|>\n"]],
      "Llama 2": [llama2, [" a1 </s>", " a2 </s>"]],
      "Llama 3": [llama3, ["a1<|eot_id|>", "a2<|eot_id|>"]],
      "DeepSeek R1": [r1, ["a1</s>", "a2</s>"]],
    };
    for (const [name, [source, scored]] of Object.entries(expected)) {
      const template = new ChatTemplate(source, { bos_token: "<s>", eos_token: "</s>" });
      const segments = template.segments(messages);
      expect(
        segments.filter((one) => one.scored).map(({ text }) => text),
        name,
      ).to.deep.equal(scored);
      const before = segments
        .slice(0, 3)
        .map(({ text }) => text)
        .join("");
      expect(template.prompt(messages.slice(0, 3)).startsWith(before), name).to.equal(true);
      expect(template.prompt(messages.slice(0, 3)).slice(before.length), name).to.equal(
        name === "DeepSeek R1" ? "<think>\n" : "",
      );
    }
  });

  it("lose the beginning of a prompt that is too long, then the end of the completion, never the first token", () => {
    const prompt = "one two three four five six seven eight nine ten ";
    const whole = sampleExample(tokenizer, 1000, { prompt, completion: "true;" });
    const cut = sampleExample(tokenizer, 12, { prompt, completion: "true;" });
    expect(cut).to.include({ truncated: true, kind: "completion" });
    expect(cut.ids).to.have.length(13);
    expect([...cut.ids]).to.deep.equal([tokenizer.bos, ...whole.ids.slice(-12)]);
    expect(scoredText(cut)).to.equal("|true;<end>");
    const long = sampleExample(tokenizer, 12, { prompt: "a", completion: prompt });
    expect([...long.ids]).to.deep.equal([tokenizer.bos, ...tokenizer.encode(prompt).slice(0, 12)]);
    expect(scoredTokens(long)).to.equal(12);
  });

  it("make no row fail: a conversation that the base cannot be given is text", async () => {
    const row = (sample: object) => JSON.stringify(sample);
    expect(rowExample(tokenizer, context, row(TALK)).kind).to.equal("chat");
    const tool = {
      messages: [
        { role: "tool", content: "x" },
        { role: "assistant", content: "y" },
      ],
    };
    expect(rowExample(tokenizer, context, row(tool))).to.deep.equal(
      sampleExample(tokenizer, context, { text: row(tool) }),
    );
    expect(rowExample({ ...tokenizer, chat: undefined }, context, row(TALK)).kind).to.equal("text");
    expect((await failure(() => sampleExample(tokenizer, context, tool))).message).to.match(/no tools.*CHAT_TEMPLATE/);
    const bare = { ...tokenizer, chat: undefined };
    expect((await failure(() => sampleExample(bare, context, TALK))).message).to.match(/no chat template/);
    const dated = new ChatTemplate(
      "{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}no date{% endif %}",
      {},
    );
    expect(dated.prompt(TALK.messages)).to.equal("no date");
    const forgetful = new ChatTemplate("{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}", {});
    expect((await failure(() => forgetful.segments(TALK.messages))).code).to.equal("CHAT_TEMPLATE");
  });

  it("count the template into the base's hash, and read it from its own file first", () => {
    const { chat: _, ...plain } = tinyBase().tokenizer;
    expect(plain.eos).to.equal(tokenizer.eos);
    const folder = base.folder;
    const { hash } = loadBase(folder);
    expect(hash).to.equal(base.hash);
    writeFileSync(path.join(folder, "chat_template.jinja"), CHATML.replace("'<|'", "'<<'"));
    const other = loadBase(folder);
    expect(other.hash).to.not.equal(base.hash);
    expect(other.tokenizer.chat!.prompt(TALK.messages)).to.match(/^<<system/);
    expect(readFileSync(path.join(folder, "tokenizer_config.json"), "utf8")).to.contain("generation");
  });

  for (const [name, AnyEngine] of Object.entries(ENGINES))
    it(`have the mean loss of the scored tokens alone in ${name}, whatever they are batched with`, async () => {
      await selectBackend("cpu");
      const engine = new AnyEngine(base.config, base.weights);
      const adapter = someAdapter(base, ["q_proj", "down_proj"]);
      const messages = ["a", "b", "c", "d"].map((content, i) => ({ role: i % 2 ? "assistant" : "user", content }));
      const talk = sampleExample(tokenizer, context, { messages });
      const others = [{ prompt: "return ", completion: "true;" }, { text: "import x" }] as const;
      const batch = [talk, ...others.map((sample) => sampleExample(tokenizer, context, sample))];
      const expected: number[] = [];
      for (const example of batch) {
        const tokens = [...example.ids.keys()].filter((t) => isScored(example, t));
        const singles = tokens.map((t): Example => ({ ids: example.ids.slice(0, t + 1), lossFrom: t }));
        const losses = await engine.losses(adapter, singles);
        expected.push(losses.reduce((sum, loss) => sum + loss, 0) / tokens.length);
      }
      const losses = await engine.losses(adapter, batch);
      const { losses: too } = await engine.gradients(adapter, batch, 1, "sum");
      for (const [i, loss] of expected.entries()) {
        expect(losses[i], `loss ${i}`).to.be.closeTo(loss, 1e-4);
        expect(too[i], `loss ${i} beside the gradient`).to.be.closeTo(loss, 1e-4);
      }
      await engine.dispose();
    });

  it("are attributed by the loss that is trained: the first step's gradient is the mean of the rows' own", async () => {
    const rows = [JSON.stringify(TALK), JSON.stringify({ prompt: "return ", completion: "true;" }), rowsOf(0, 1)[0]!];
    const options = { rank: 4, alpha: 8, targetModules: ["q_proj" as const, "v_proj" as const], seed: 7 };
    const pool = await Pool.start(base, { threads: 1 });
    try {
      let norm = 0;
      const once = { ...options, epochs: 1, learningRate: 0.01, batch: 3, rows, heldOut: [] };
      await finetune(pool, { ...once, onProgress: ({ gradientNorm }) => (norm = gradientNorm) });
      const examples = rows.map((text) => rowExample(tokenizer, context, text));
      expect(examples.map(({ kind }) => kind)).to.deep.equal(["chat", "completion", "text"]);
      const { data, shape } = await exampleGradients(pool, newAdapter(base.config, options, 7), examples, 1);
      const mean = Float64Array.from(
        { length: shape[1] },
        (_, p) => (data[p]! + data[shape[1] + p]! + data[2 * shape[1] + p]!) / 3,
      );
      expect(Math.hypot(...mean)).to.be.closeTo(norm, 1e-4 * norm);
    } finally {
      await pool.close();
    }
  });
});
