#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Trains the {{.Networks}} networks of the grid {{.Grid}} ({{.Profile}}) in {{.Shards}} parts with GNU parallel, on the machines of the file "hosts", one
# name a line (":" is this one), which share this directory and reach each other by ssh without a password:
#
#   go build -o lateral github.com/lateral-ml/lateral/kernelext/cmd/lateral     in a clone of the module
{{- if eq .Data "mnist"}}
#   ./lateral data get mnist --dir data
{{- end}}
#   sh {{.Grid}}.sh
#
# Each machine trains one part at a time, a network on each of its cores. Run it again after a failure: parts that are
# complete end at once, the others go on where they were. Notebooks find the results with LATERAL_SWEEPS=$PWD/results.
set -eu
{{if eq .Data "mnist"}}export LATERAL_DATA="$PWD/data"
{{end -}}
shard=0
while [ $shard -lt {{.Shards}} ]; do
    echo $shard
    shard=$((shard + 1))
done | parallel --sshloginfile hosts --jobs 1 --workdir "$PWD"{{if eq .Data "mnist"}} --env LATERAL_DATA{{end}} --line-buffer --tag \
    ./lateral sweep run {{.Grid}} --profile {{.Profile}}{{if .Seeds}} --seeds {{.Seeds}}{{end}} --data {{.Data}} --shard {}/{{.Shards}} --out results/{{.Grid}}.{}-of-{{.Shards}}.jsonl
./lateral sweep merge -o results/{{.Grid}}.jsonl results/{{.Grid}}.*-of-{{.Shards}}.jsonl
