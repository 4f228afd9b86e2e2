//go:build tools

// Package programs pins the programs that judge the chart in tests; nothing here is part of what ships.
package programs

import (
	_ "github.com/yannh/kubeconform/cmd/kubeconform"
	_ "helm.sh/helm/v4/cmd/helm"
)
