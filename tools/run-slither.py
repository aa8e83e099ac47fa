"""
Slither over what Hardhat built: `npm run build`, then, with slither-analyzer 0.11.6 in a virtual environment,
    python tools/run-slither.py
Needs no solc. Prints how many findings each detector has, then the findings.
"""

import glob
import inspect
import json
import os
import re
from collections import Counter

from crytic_compile import CryticCompile
from crytic_compile.compilation_unit import CompilationUnit
from crytic_compile.compiler.compiler import CompilerVersion
from crytic_compile.platform.solc_standard_json import SolcStandardJson, parse_standard_json_output
from slither import Slither
from slither.detectors import all_detectors
from slither.detectors.abstract_detector import AbstractDetector

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LEFT_OUT = ["node_modules", "contracts/mocks", "test/"]


class BuildInfo(SolcStandardJson):
    """The newest build of the contracts, under the paths of its files."""

    def compile(self, crytic_compile, **kwargs):
        found = glob.glob("artifacts/build-info/*.output.json")
        with open(max(found, key=os.path.getmtime), encoding="utf8") as file:
            text = file.read()
        text = re.sub(r'"project/', '"', text)
        text = re.sub(r'"npm/((?:@[^/"@]+/)?[^/"@]+)@[^/"]+/', r'"node_modules/\1/', text)
        unit = CompilationUnit(crytic_compile, "hardhat")
        unit.compiler_version = CompilerVersion(compiler="solc", version="0.8.37", optimized=True)
        parse_standard_json_output(json.loads(text)["output"], unit, solc_working_dir=ROOT)


os.chdir(ROOT)
slither = Slither(CryticCompile(BuildInfo({})))
for detector in vars(all_detectors).values():
    if inspect.isclass(detector) and issubclass(detector, AbstractDetector) and detector is not AbstractDetector:
        slither.register_detector(detector)
findings = [
    finding
    for group in slither.run_detectors()
    for finding in group
    if not any(
        element["source_mapping"]["filename_relative"].startswith(path)
        for path in LEFT_OUT
        for element in finding["elements"][:1]
    )
]
for (impact, check), count in sorted(Counter((f["impact"], f["check"]) for f in findings).items()):
    print(f"{count:4}  {impact:14} {check}")
for finding in findings:
    print(f"\n{finding['check']}: {finding['description'].strip()}")
