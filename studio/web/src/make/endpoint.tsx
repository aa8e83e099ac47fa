import type { modelOf } from "../../../../sdk/views/models.ts";
import { useStack } from "../stack.ts";
import type { Deployment } from "./owned.ts";
import { curlLine, openaiSnippet } from "./snippets.ts";

/** How programs call a deployed model. */
export function Endpoint({ model, deployed }: { model: Awaited<ReturnType<typeof modelOf>>; deployed: Deployment }) {
  const { accounts, rpcUrl } = useStack();
  const { modelId, server, gateway } = deployed;
  // Not one that pays in the Playground: each place keeps its own account of what was spent in an epoch.
  const customer = accounts.find(({ name }) => name === "Contributor 4") ?? accounts[0]!;
  const given = { modelId, server, gateway: location.origin + gateway, studio: location.origin, rpcUrl };
  return (
    <div className="stack">
      <h3>Call it</h3>
      <p className="muted">
        OpenAI's API at <code>{given.gateway}/v1</code>, model <code>{String(model.modelId)}</code>. A call without a
        voucher is answered with 402 and what it can cost:
      </p>
      <pre className="snippet">{curlLine(given)}</pre>
      <p className="muted">
        With the <code>openai</code> package and a <code>fetch</code> that pays. Save it as <code>call.ts</code> in this
        repository's folder and run it with Node 24. Its ledger keeps what it spent from one run to the next, so let one
        account pay either from here or from the Playground within an epoch; here it is {customer.name}.
      </p>
      <pre className="snippet">node --experimental-webstorage --localstorage-file=ledger.sqlite call.ts</pre>
      <pre className="snippet">{openaiSnippet({ ...given, customer: customer.address })}</pre>
    </div>
  );
}
