"""Impact measured: random lakes whose truth is known because an engine rebuilds them under the change."""
