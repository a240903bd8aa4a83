"""Data contracts of tables, in the Open Data Contract Standard: drafted from proof, compared, and held against the lake."""

from tools.contract.check import ContractCheck, check_contract
from tools.contract.diff import Difference, compare
from tools.contract.draft import Contract, draft_contract

__all__ = ["Contract", "ContractCheck", "Difference", "check_contract", "compare", "draft_contract"]
