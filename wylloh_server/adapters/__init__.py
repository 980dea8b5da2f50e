"""The outside worlds, one folder or file each; every one implements ports of the domain."""
