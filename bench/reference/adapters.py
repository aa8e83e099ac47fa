"""Makes the adapters of test/trainer/fixtures/adapters/ that `peft` writes, and what it computes for them and for ours.

    pip install torch==2.11.0 transformers==5.17.0 peft==0.20.0
    node bench/reference/adapters.ts && python bench/reference/adapters.py

`ours` is written by trainer/peft.ts (adapters.ts beside this file) and only read here; the others are written by peft.
reference.json holds, for the base smollm2 under each of them, the loss (nats) of every token and the last logits.
"""

import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

FIXTURES = Path(__file__).parents[2] / "test/trainer/fixtures"
ADAPTERS = FIXTURES / "adapters"
SHARED = dict(r=2, lora_alpha=5, init_lora_weights=False, task_type="CAUSAL_LM")  # no usual start: B is not zero
MADE = {
    "plain": LoraConfig(**SHARED, target_modules=["v_proj", "q_proj"]),
    "rslora": LoraConfig(**SHARED, target_modules="all-linear", use_rslora=True),
    "rank_pattern": LoraConfig(**SHARED, target_modules=["q_proj", "v_proj"], rank_pattern={"v_proj": 1}),
    "alpha_pattern": LoraConfig(**SHARED, target_modules=["q_proj", "v_proj"], alpha_pattern={"layers.1.self_attn.v_proj": 9}),
    "use_dora": LoraConfig(**SHARED, target_modules=["q_proj"], use_dora=True),
    "init_lora_weights": LoraConfig(**{**SHARED, "init_lora_weights": "pissa"}, target_modules=["q_proj"]),
}


def base() -> torch.nn.Module:
    return AutoModelForCausalLM.from_pretrained(FIXTURES / "smollm2", dtype=torch.float32, attn_implementation="eager").eval()


def main() -> None:
    ids = torch.tensor([json.loads((FIXTURES / "smollm2/reference.json").read_text())["ids"]])
    reference = {"ids": ids[0].tolist(), "cases": {}}
    for name, config in {"ours": None, **MADE}.items():
        folder = ADAPTERS / name
        if config is not None:
            shutil.rmtree(folder, ignore_errors=True)
            torch.manual_seed(11)
            made = get_peft_model(base(), config)
            made.peft_config["default"].base_model_name_or_path = "smollm2"
            made.save_pretrained(folder)
            (folder / "README.md").unlink()
        model = PeftModel.from_pretrained(base(), folder).eval()
        with torch.no_grad():
            logits = model(ids).logits[0].double()
        losses = torch.nn.functional.cross_entropy(logits[:-1], ids[0, 1:], reduction="none")
        reference["cases"][name] = {
            "losses": [round(value, 6) for value in losses.tolist()],
            "logits": [round(value, 6) for value in logits[-1].tolist()],
        }
        print(f"{name}: mean loss {losses.mean():.4f}")
    (ADAPTERS / "reference.json").write_text(json.dumps(reference) + "\n")


if __name__ == "__main__":
    main()
