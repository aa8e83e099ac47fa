export type Called = {
  modelId: string;
  server: string;
  /** Addresses of the model's gateway, the Studio and the chain. */
  gateway: string;
  studio: string;
  rpcUrl: string;
};

export const curlLine = ({ gateway, modelId }: Called): string =>
  `curl ${gateway}/v1/completions -H 'content-type: application/json' \\
  -d '{"model": "${modelId}", "prompt": "function transfer(", "max_tokens": 32}'`;

export const openaiSnippet = ({ gateway, studio, rpcUrl, modelId, server, customer }: Called & { customer: string }) =>
  `import { JsonRpcProvider } from "ethers";
import OpenAI from "openai";
import { Customer, payingFetch } from "./openlora/index.ts";
import { mined, protocol, token } from "./sdk/index.ts";

const signer = await new JsonRpcProvider("${rpcUrl}").getSigner("${customer}");
const { addresses, token: paid } = await (await fetch("${studio}/api/stack")).json();
const customer = await Customer.open(protocol(addresses, signer), signer, ${modelId}n, "${server}", localStorage);
await mined(token(paid.address, signer).mint(signer.address, 1_000_000n)); // test money, in token units
await customer.deposit(1_000_000n); // once is enough for many calls
const client = new OpenAI({
  baseURL: "${gateway}/v1",
  apiKey: "unused",
  fetch: payingFetch(customer, 1_000_000n), // the most that one call may cost
});
const answer = await client.completions.create({ model: "${modelId}", prompt: "function transfer(", max_tokens: 32 });
console.log(answer.choices[0].text);
`;
