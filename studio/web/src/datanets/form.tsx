import { isAddress } from "ethers";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useAccount } from "wagmi";
import { emitted, mined } from "../../../../sdk/transactions.ts";
import { content } from "../api.ts";
import { useOwn } from "../protocol.ts";
import { Action } from "../ui/action.tsx";
import { Field } from "../ui/field.tsx";
import { Card } from "../ui/page.tsx";

/** Licences that data is often given under, by SPDX id. Any other can be typed. */
const LICENCES = ["MIT", "Apache-2.0", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "ODbL-1.0", "MPL-2.0"];

/** Creates a Datanet, and opens its page. */
export function CreateDatanet({ onClose }: { onClose: () => void }) {
  const own = useOwn();
  const go = useNavigate();
  const { address } = useAccount();
  const [name, setName] = useState("");
  const [licence, setLicence] = useState("MIT");
  const [description, setDescription] = useState("");
  const [reviewer, setReviewer] = useState<string>();
  const reviewing = (reviewer ?? address ?? "").trim();
  const wrong = reviewing !== "" && !isAddress(reviewing) ? "This is no address: 0x and 40 digits." : undefined;
  const missing =
    address === undefined
      ? "Choose an account at the top right first."
      : name.trim() === ""
        ? "Give it a name."
        : licence.trim() === ""
          ? "Name a licence."
          : (wrong ?? (reviewing === "" ? "Name a reviewer." : false));

  const create = async () => {
    const { protocol } = await own();
    const cid = description.trim() === "" ? "" : await content.put(new TextEncoder().encode(description.trim()));
    const receipt = await mined(protocol.datanets.create(reviewing, name.trim(), licence.trim(), cid));
    go(`/datanets/${emitted(protocol.datanets, "DatanetCreated", receipt).datanetId}`);
  };
  return (
    <Card
      title="Create a Datanet"
      aside={
        <button type="button" className="small" onClick={onClose}>
          Close
        </button>
      }
    >
      <div className="columns">
        <Field label="Name" hint="What the data is about, as people will find it.">
          <input value={name} onChange={({ target }) => setName(target.value)} placeholder="Solidity" />
        </Field>
        <Field label="Licence" hint="SPDX id that every contribution comes under. Choose one or type another.">
          <input list="licences" value={licence} onChange={({ target }) => setLicence(target.value)} />
        </Field>
        <datalist id="licences">
          {LICENCES.map((id) => (
            <option key={id} value={id} />
          ))}
        </datalist>
      </div>
      <Field label="Description" hint="What belongs here and what does not: contributors and the reviewer go by it.">
        <textarea rows={3} value={description} onChange={({ target }) => setDescription(target.value)} />
      </Field>
      <Field
        label="Reviewer"
        problem={wrong}
        hint="Who accepts or rejects contributions. It is you unless you name another account."
      >
        <input
          className="mono"
          value={reviewer ?? address ?? ""}
          onChange={({ target }) => setReviewer(target.value)}
          placeholder="0x…"
        />
      </Field>
      <div>
        <Action primary run={create} disabled={missing}>
          Create Datanet
        </Action>
      </div>
    </Card>
  );
}
