import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useAccount } from "wagmi";
import { receiptId, splitterDomain } from "../../../../sdk/eip712.ts";
import type { Deployment } from "../make/owned.ts";
import { useOwn } from "../protocol.ts";
import type { Split } from "../split.ts";
import { useStack } from "../stack.ts";
import { Field } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { Sampling, samplingFits } from "../ui/sampling.tsx";
import { Money } from "../ui/values.tsx";
import { why } from "../why.ts";
import { count } from "../words.ts";
import { advice } from "./advice.ts";
import { type Ask, buy, ledgerOf, priceOf } from "./buy.ts";
import { type Call, callOf } from "./calls.ts";
import { useDeposit } from "./deposit.tsx";
import { ReceiptBox } from "./receipt.tsx";

type Turn = {
  question: string;
  chat: boolean;
  answer: string;
  call?: Call;
  failed?: { words: string; advice?: string };
};

/** Milliseconds without typing before the price is asked. */
const PAUSE = 400;

/** Questions and answers with one model, each answer paid. */
export function Talk({
  deployment,
  split,
  context = Number.POSITIVE_INFINITY,
  addCall,
}: {
  deployment: Deployment;
  split: Split;
  /** The most tokens that its base reads and writes. */
  context?: number | undefined;
  addCall: (call: Call) => void;
}) {
  const { addresses, chainId, genesis } = useStack();
  const { address } = useAccount();
  const own = useOwn();
  const queries = useQueryClient();
  const deposit = useDeposit(deployment);
  const [turns, setTurns] = useState<Turn[]>([]);
  const [chat, setChat] = useState(false);
  const [text, setText] = useState("");
  const [maxTokens, setMaxTokens] = useState(48);
  const [temperature, setTemperature] = useState(0);
  const asking = useRef<AbortController>(undefined);
  const [running, setRunning] = useState(false);

  const most = context - 1;
  const valid = text.trim() !== "" && samplingFits(maxTokens, most, temperature);
  const ask: Ask = chat
    ? { messages: [...said(turns), { role: "user", content: text }], maxTokens, temperature }
    : { prompt: text, maxTokens, temperature };
  const shown = usePaused(JSON.stringify(ask));
  const price = useQuery({
    queryKey: ["price", deployment.modelId, shown],
    queryFn: ({ signal }) => priceOf(deployment, JSON.parse(shown) as Ask, signal),
    enabled: valid && !running,
    refetchInterval: false,
    retry: false,
  });
  const current = valid && shown === JSON.stringify(ask) ? price.data : undefined;
  const short = current && deposit.data && deposit.data.free < current.fee;
  const missing =
    (text.trim() === "" && "Write something first.") ||
    (!valid && "Correct the numbers first.") ||
    (address === undefined && "Choose an account at the top right.") ||
    (short && "Your deposit does not cover this. Add to it.") ||
    (current === undefined && !price.error && "Asking the price …");

  const send = async () => {
    const { fee: maxFee } = current!;
    const controller = new AbortController();
    asking.current = controller;
    let answer = "";
    const change = (fields: Partial<Turn>) => setTurns((all) => [...all.slice(0, -1), { ...all.at(-1)!, ...fields }]);
    setTurns((all) => [...all, { question: text, chat, answer }]);
    setText("");
    setRunning(true);
    try {
      const paid = await buy(await own(), deployment, ask, {
        maxFee,
        ledger: ledgerOf(genesis),
        signal: controller.signal,
        onText: (piece) => change({ answer: (answer += piece) }),
      });
      const id = receiptId(splitterDomain(BigInt(chainId), addresses.splitter), paid.receipt);
      const { modelId, name: model } = deployment;
      const account = paid.receipt.customer;
      const call = callOf(paid, { modelId, model, account, question: text, answer, receiptId: id, split });
      change({ call });
      addCall(call);
    } catch (error) {
      change({ failed: controller.signal.aborted ? STOPPED : failure(error) });
      if (answer === "") setText(text);
    } finally {
      setRunning(false);
      await queries.invalidateQueries();
    }
  };
  return (
    <Card
      title={deployment.name}
      aside={
        turns.length > 0 && (
          <button type="button" className="small" disabled={running} onClick={() => setTurns([])}>
            New conversation
          </button>
        )
      }
    >
      {turns.map((turn, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: turns are only ever added.
        <TurnBox key={i} turn={turn} last={i === turns.length - 1} running={running && i === turns.length - 1} />
      ))}
      <div className="fields">
        <Field label="Kind of call">
          <select value={chat ? "chat" : "text"} onChange={({ target }) => setChat(target.value === "chat")}>
            <option value="text">Go on from a text</option>
            <option value="chat">Conversation</option>
          </select>
        </Field>
        <Sampling {...{ maxTokens, setMaxTokens, temperature, setTemperature }} most={most} />
      </div>
      <Field label={chat ? "Message" : "Text to go on from"}>
        <textarea
          className="mono"
          rows={4}
          value={text}
          placeholder={chat ? "" : "function transfer("}
          onChange={({ target }) => setText(target.value)}
        />
      </Field>
      <div className="price" role="status">
        {current ? (
          <>
            <span>
              Costs at most{" "}
              <strong>
                <Money amount={current.fee} />
              </strong>
            </span>
            <small>
              {count(current.promptTokens)} tokens read, up to {count(maxTokens)} written; you pay for those written
              only.
            </small>
          </>
        ) : (
          <small>The most it can cost is shown here before you send.</small>
        )}
      </div>
      {valid && price.error && !running && <Failure {...failure(price.error)} />}
      <div className="row">
        <button type="button" className="primary" disabled={running || Boolean(missing) || !current} onClick={send}>
          Sign and send
        </button>
        {running && (
          <button type="button" onClick={() => asking.current?.abort()}>
            Stop
          </button>
        )}
        {!running && missing && <small>{missing}</small>}
      </div>
    </Card>
  );
}

function TurnBox({
  turn: { question, chat, answer, call, failed },
  last,
  running,
}: {
  turn: Turn;
  last: boolean;
  running: boolean;
}) {
  return (
    <div className="turn">
      {chat && <pre className="question">{question}</pre>}
      <pre aria-live="polite" aria-busy={running}>
        {!chat && <span className="muted">{question}</span>}
        {answer}
        {running && " ▍"}
      </pre>
      {failed && <Failure {...failed} />}
      {call && <ReceiptBox call={call} open={last} />}
    </div>
  );
}

const Failure = ({ words, advice }: NonNullable<Turn["failed"]>) => (
  <Notice kind="error" title={words}>
    {advice}
  </Notice>
);

const STOPPED = {
  words: "You stopped the answer",
  advice:
    "You pay for the tokens written until then. The receipt did not come, so the call counts here as if it had cost the most it could.",
};

function failure(error: unknown): NonNullable<Turn["failed"]> {
  const todo = advice(error);
  return { words: why(error), ...(todo !== undefined && { advice: todo }) };
}

/** The conversation so far. */
const said = (turns: Turn[]) =>
  turns
    .filter(({ chat, call }) => chat && call)
    .flatMap(({ question, answer }) => [
      { role: "user" as const, content: question },
      { role: "assistant" as const, content: answer },
    ]);

/** A value once it has stood for a moment. */
function usePaused<T>(value: T): T {
  const [paused, setPaused] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(value), PAUSE);
    return () => clearTimeout(timer);
  }, [value]);
  return paused;
}
