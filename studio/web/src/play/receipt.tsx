import { PARTS, percentOf, type Split, shares } from "../split.ts";
import { useStack } from "../stack.ts";
import { Badge, Facts } from "../ui/page.tsx";
import { Hash, Money } from "../ui/values.tsx";
import { count } from "../words.ts";
import type { Call } from "./calls.ts";

/** What a call cost, the proof of it, and who gets how much. */
export function ReceiptBox({ call, open }: { call: Call; open: boolean }) {
  const { token } = useStack();
  const fee = BigInt(call.fee);
  const parts = Object.entries(shares(fee, call.split)) as [keyof Split, bigint][];
  return (
    <details className="receipt" open={open}>
      <summary>
        Paid <Money amount={fee} /> · receipt checked
      </summary>
      <div className="stack inset">
        <div className="row">
          <Badge kind="good">Server's signature checked</Badge>
          <Badge kind="good">Prompt and answer match</Badge>
          <Badge kind="good">Fee matches the price</Badge>
        </div>
        <div className="columns">
          <Facts
            of={{
              Fee: <Money amount={fee} />,
              "Tokens read": count(call.inputTokens),
              "Tokens written": count(call.outputTokens),
              Epoch: call.epochId,
              Receipt: <Hash of={call.receiptId} />,
            }}
          />
          <table aria-label="Who gets the fee">
            <tbody>
              {parts.map(([name, amount]) => (
                <tr key={name}>
                  <td>{PARTS[name]}</td>
                  <td className="number">{percentOf(call.split[name])}</td>
                  <td className="number">
                    <Money amount={amount} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <small>
          Contributors share their part of the epoch's fees by measured influence, under a proof. The parts are booked
          when the server redeems the epoch's fees, in {token.symbol}.
        </small>
        <details>
          <summary>Signed receipt</summary>
          <pre className="snippet inset">{JSON.stringify(call.receipt, null, 2)}</pre>
        </details>
      </div>
    </details>
  );
}
