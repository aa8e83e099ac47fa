import { Empty } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { Address, Money } from "../ui/values.tsx";
import { count } from "../words.ts";
import type { Call } from "./calls.ts";

/** What this session bought, and what that cost in all. */
export function History({ calls }: { calls: Call[] }) {
  return (
    <Card title="Calls of this session">
      {calls.length === 0 ? (
        <Empty title="No answer was bought yet">Each answer is listed here with its receipt's fee.</Empty>
      ) : (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th>Time</th>
                <th>Model</th>
                <th>Account</th>
                <th>Prompt</th>
                <th className="number">Epoch</th>
                <th className="number">Tokens in</th>
                <th className="number">Tokens out</th>
                <th className="number">Fee</th>
              </tr>
            </thead>
            <tbody>
              {calls.toReversed().map((call) => (
                <tr key={call.receiptId}>
                  <td>{new Date(call.at).toLocaleTimeString()}</td>
                  <td>{call.model}</td>
                  <td>
                    <Address of={call.account} />
                  </td>
                  <td className="cut" title={call.question}>
                    {call.question}
                  </td>
                  <td className="number">{call.epochId}</td>
                  <td className="number">{count(call.inputTokens)}</td>
                  <td className="number">{count(call.outputTokens)}</td>
                  <td className="number">
                    <Money amount={BigInt(call.fee)} />
                  </td>
                </tr>
              ))}
            </tbody>
            <tfoot>
              <tr>
                <td colSpan={5}>{calls.length === 1 ? "1 call" : `${calls.length} calls`} in all</td>
                <td className="number">{count(calls.reduce((sum, { inputTokens }) => sum + inputTokens, 0))}</td>
                <td className="number">{count(calls.reduce((sum, { outputTokens }) => sum + outputTokens, 0))}</td>
                <td className="number">
                  <Money amount={calls.reduce((sum, { fee }) => sum + BigInt(fee), 0n)} />
                </td>
              </tr>
            </tfoot>
          </table>
        </div>
      )}
    </Card>
  );
}
