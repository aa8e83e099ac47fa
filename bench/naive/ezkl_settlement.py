"""EZKL on what the settlement proves of R rows: int8 product with Q, clip at zero, sum per contributor.

Run by bench/prove.ts in a virtual environment of its own. Rows are bound as in the naive circuit, by a Poseidon hash of them
(EZKL's "hashed" inputs, Q among them). Prints one line of JSON. The structured reference string is generated here, from a secret
that is thrown away: for measuring only.
"""

import importlib.metadata
import json
import os
import resource
import tempfile
import time

import ezkl
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROWS, COLUMNS, CONTRIBUTORS = 21, 128, 3


def model() -> onnx.ModelProto:
    owner = np.zeros((CONTRIBUTORS, ROWS), dtype=np.float32)
    for i in range(ROWS):
        owner[i * CONTRIBUTORS // ROWS, i] = 1
    nodes = [
        helper.make_node("MatMul", ["g", "q"], ["scores"]),
        helper.make_node("Relu", ["scores"], ["clipped"]),
        helper.make_node("MatMul", ["owner", "clipped"], ["totals"]),
    ]
    tensor = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        nodes,
        "settlement",
        [tensor("g", [ROWS, COLUMNS]), tensor("q", [COLUMNS, 1])],
        [tensor("totals", [CONTRIBUTORS, 1])],
        [numpy_helper.from_array(owner, "owner")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def cpu() -> float:
    return sum(os.times()[:2])


def main() -> None:
    os.chdir(tempfile.mkdtemp(prefix="openledger-ezkl-"))
    random = np.random.default_rng(1)
    g = random.integers(-12, 13, (ROWS, COLUMNS))
    q = random.integers(-20, 21, (COLUMNS, 1))
    onnx.save(model(), "model.onnx")
    with open("input.json", "w") as file:
        json.dump({"input_data": [g.flatten().tolist(), q.flatten().tolist()]}, file)

    arguments = ezkl.PyRunArgs()
    arguments.input_visibility = "hashed"
    arguments.output_visibility = "public"
    arguments.param_visibility = "fixed"
    arguments.input_scale = 0  # integers as they are
    arguments.param_scale = 0
    arguments.lookup_range = (-128, 128)
    ezkl.gen_settings("model.onnx", "settings.json", py_run_args=arguments)
    ezkl.calibrate_settings("input.json", "model.onnx", "settings.json", "resources", scales=[0], max_logrows=22)
    with open("settings.json") as file:
        settings = json.load(file)
    logrows = settings["run_args"]["logrows"]
    ezkl.compile_circuit("model.onnx", "model.ezkl", "settings.json")
    ezkl.gen_srs("srs", logrows)
    ezkl.setup("model.ezkl", "vk", "pk", "srs")

    seconds, wall = cpu(), time.time()
    ezkl.gen_witness("input.json", "model.ezkl", "witness.json", "vk", "srs")
    ezkl.prove("witness.json", "model.ezkl", "pk", "proof", "srs")
    seconds, wall = cpu() - seconds, time.time() - wall
    assert ezkl.verify("proof", "settings.json", "vk", "srs")
    with open("witness.json") as file:
        outputs = json.load(file)["pretty_elements"]["outputs"][0]
    expected = np.maximum(g @ q, 0).reshape(CONTRIBUTORS, -1).sum(axis=1).tolist()
    assert [int(value, 16) for value in outputs] == expected, (outputs, expected)
    print(
        json.dumps(
            {
                "version": importlib.metadata.version("ezkl"),
                "rows": ROWS,
                "columns": COLUMNS,
                "logrows": logrows,
                "cpuSecondsPer1000Rows": seconds * 1000 / ROWS,
                "wallSecondsPer1000Rows": wall * 1000 / ROWS,
                "peakRssMb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


main()
