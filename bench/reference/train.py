"""PyTorch beside bench/train.ts: the same shapes, LoRA and batch, on the CPU (or with --device cuda).

    pip install torch==2.11.0 transformers==5.17.0 peft==0.20.0
    python bench/reference/train.py --model tiny-llama --out bench/results/train-tiny-llama-torch.json
"""

import argparse
import json
import resource
import statistics
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch.func import functional_call, grad, vmap
from transformers import LlamaConfig, LlamaForCausalLM

ROOT = Path(__file__).parents[2]
SHAPES = {
    "tiny-llama": json.loads((ROOT / "models/tiny-llama/config.json").read_text()),
    "smollm2-135m": dict(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3, max_position_embeddings=8192, rope_theta=100000, tie_word_embeddings=True),
}


def timed(steps, action):
    """Median seconds of an action, wall and CPU, after one to warm up."""
    action()
    measured = []
    for _ in range(steps):
        wall, cpu = time.perf_counter(), time.process_time()
        action()
        measured.append((time.perf_counter() - wall, time.process_time() - cpu))
    return [statistics.median(column) for column in zip(*measured)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="tiny-llama", choices=SHAPES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    config = LlamaConfig(**{**SHAPES[options.model], "dtype": "float32"}, attn_implementation="sdpa", use_cache=False)
    lora = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(LlamaForCausalLM(config), lora).to(options.device)
    model.train()
    adapter = {name: p for name, p in model.named_parameters() if p.requires_grad}
    frozen = {name: p for name, p in model.named_parameters() if not p.requires_grad}
    optimiser = torch.optim.AdamW(adapter.values(), lr=1e-4)
    ids = torch.randint(0, config.vocab_size, (options.batch, options.length + 1), device=options.device)

    def loss_of(parameters, sequence):
        logits = functional_call(model, (parameters, frozen), (sequence[None, :-1],)).logits[0]
        return torch.nn.functional.cross_entropy(logits, sequence[1:])

    def sync():
        if options.device == "cuda":
            torch.cuda.synchronize()

    def train():
        logits = model(ids[:, :-1]).logits
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(adapter.values(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        sync()

    def rows_vmap():
        vmap(grad(loss_of), (None, 0))({name: p.detach() for name, p in adapter.items()}, ids)
        sync()

    def rows_loop():
        for sequence in ids:
            torch.autograd.grad(loss_of(adapter, sequence), list(adapter.values()))
        sync()

    training = timed(options.steps, train)
    model.set_attn_implementation("eager")  # the fused kernel has no batching rule
    by_vmap = timed(options.steps, rows_vmap)
    model.set_attn_implementation("sdpa")
    by_loop = timed(options.steps, rows_loop)
    tokens = options.batch * options.length
    round4 = lambda value: float(f"{value:.4g}")
    report = {
        "model": options.model,
        "lora": "rank 8, every linear",
        **{name: getattr(options, name) for name in ("threads", "batch", "length", "steps", "device")},
        "software": f"torch {torch.__version__}, transformers, peft",
        "trainingTokensPerSecond": round4(tokens / training[0]),
        "trainingTokensPerCpuSecond": round4(tokens / training[1]),
        "gradientRowsPerSecond": {"torch.func": round4(options.batch / by_vmap[0]), "one by one": round4(options.batch / by_loop[0])},
        "gradientRowsPerCpuSecond": {"torch.func": round4(options.batch / by_vmap[1]), "one by one": round4(options.batch / by_loop[1])},
        "peakMemoryMB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(report))
    if options.out:
        Path(options.out).write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
