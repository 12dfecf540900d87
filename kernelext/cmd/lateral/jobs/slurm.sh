#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Trains the {{.Networks}} networks of the grid {{.Grid}} ({{.Profile}}) as a Slurm array of {{.Shards}} tasks. In a directory that all
# nodes share:
#
#   go build -o lateral github.com/lateral-ml/lateral/kernelext/cmd/lateral     in a clone of the module
{{- if eq .Data "mnist"}}
#   ./lateral data get mnist --dir data                                         where the network can be reached
{{- end}}
#   mkdir -p results
#   sbatch {{.Grid}}.sh
#   ./lateral sweep status results/{{.Grid}}.*-of-{{.Shards}}.jsonl
#   ./lateral sweep merge -o results/{{.Grid}}.jsonl results/{{.Grid}}.*-of-{{.Shards}}.jsonl
#
# A task that was killed, ran out of time or lost its node goes on where it was: submit the same file again; tasks
# that are complete end at once. Notebooks find the results with LATERAL_SWEEPS=$PWD/results.
#
#SBATCH --job-name=lateral-{{.Grid}}
#SBATCH --array=0-{{.Last}}
#SBATCH --cpus-per-task={{.Cores}}
#SBATCH --mem={{.Cores}}G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=results/{{.Grid}}.%a-of-{{.Shards}}.log
{{if eq .Data "mnist"}}
export LATERAL_DATA="$SLURM_SUBMIT_DIR/data"
{{- end}}
exec srun --cpus-per-task="$SLURM_CPUS_PER_TASK" \
    "$SLURM_SUBMIT_DIR/lateral" sweep run {{.Grid}} --profile {{.Profile}}{{if .Seeds}} --seeds {{.Seeds}}{{end}} --data {{.Data}} \
    --shard "$SLURM_ARRAY_TASK_ID/{{.Shards}}" --workers "$SLURM_CPUS_PER_TASK" \
    --out "$SLURM_SUBMIT_DIR/results/{{.Grid}}.$SLURM_ARRAY_TASK_ID-of-{{.Shards}}.jsonl"
