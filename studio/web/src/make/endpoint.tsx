import type { modelOf } from "../../../../sdk/views/models.ts";
import { useStack } from "../stack.ts";
import type { Deployment } from "./owned.ts";
import { curlLine, openaiSnippet } from "./snippets.ts";

/** How programs call a deployed model. */
export function Endpoint({ model, deployed }: { model: Awaited<ReturnType<typeof modelOf>>; deployed: Deployment }) {
  const { accounts, rpcUrl } = useStack();
  const { modelId, server, gateway } = deployed;
  const customer = accounts.find(({ name }) => name === "Customer") ?? accounts[0]!;
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
        With the <code>openai</code> package and a <code>fetch</code> that pays, here as {customer.name}, a ready-made
        account that needs some test money. Save it as <code>call.ts</code> in this repository's folder. Its ledger
        keeps what it spent from one run to the next; an account that pays from here as well as from the Playground must
        wait for the next epoch in between.
      </p>
      <pre className="snippet">node --experimental-webstorage --localstorage-file=ledger.sqlite call.ts</pre>
      <pre className="snippet">{openaiSnippet({ ...given, customer: customer.address })}</pre>
    </div>
  );
}
