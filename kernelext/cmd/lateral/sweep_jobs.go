// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers"
	"github.com/spf13/cobra"
)

//go:embed jobs
var jobFiles embed.FS

// jobSystems are the kinds of jobs and their template files.
var jobSystems = map[string]string{
	"slurm":      "jobs/slurm.sh",
	"kubernetes": "jobs/kubernetes.yaml",
	"parallel":   "jobs/parallel.sh",
}

// imageName is what container images are called: registry, path, tag and digest.
var imageName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._/:@-]*$`)

// A sweepJob is what the templates are filled with.
type sweepJob struct {
	Grid, Profile, Data string
	Seeds               int // for each setting; 0 is as many as the profile has
	Networks            int // in the grid
	Shards              int
	Last                int // shard
	Cores               int
	Image               string
}

func sweepJobsCommand() *cobra.Command {
	var job sweepJob
	cmd := &cobra.Command{
		Use:   "jobs slurm|kubernetes|parallel",
		Short: "Print a job file that trains a grid on many machines",
		Long: `Jobs prints a job file, with an explanation, that splits a grid over many
machines: a Slurm array, an indexed Job of Kubernetes, or a line for GNU parallel.
Each part has a file of results of its own and can be killed and started again;
lateral sweep merge joins the files.

  lateral sweep jobs slurm --grid fc1 --shards 16 > fc1.sh`,
		ValidArgs: []string{"slurm", "kubernetes", "parallel"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("name one system, such as lateral sweep jobs slurm; kubernetes and parallel are the others")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return job.print(cmd.OutOrStdout(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&job.Grid, "grid", "fc1", "grid to train; lateral sweep list shows them")
	flags.StringVar(&job.Profile, "profile", experiment.Paper, "size of the grid: quick, standard or paper")
	flags.IntVar(&job.Seeds, "seeds", 0, "networks for each setting (default as many as the profile has)")
	flags.StringVar(&job.Data, "data", "",
		"images, text or photographs: "+strings.Join(dataNames(), ", ")+" (default: those of lateral sweep list)")
	flags.IntVar(&job.Shards, "shards", 8, "parts to split the grid into")
	flags.IntVar(&job.Cores, "cores", 4, "cores of each part; it trains a network on each")
	flags.StringVar(&job.Image, "image", "registry.example.org/lateral:latest",
		"container image of this module's Dockerfile, for kubernetes")
	return cmd
}

func (j sweepJob) print(out io.Writer, system string) error {
	file, ok := jobSystems[system]
	if !ok {
		return fmt.Errorf("there is no job file for %q: use slurm, kubernetes or parallel", system)
	}
	grid, err := papers.Lookup(j.Grid)
	if err != nil {
		return err
	}
	j.Data = cmp.Or(j.Data, grid.Data[0])
	j.Networks, err = grid.Size(j.Profile, j.Seeds)
	switch {
	case err != nil:
		return err
	case j.Seeds < 0:
		return errSeeds(j.Seeds)
	case !slices.Contains(dataNames(), j.Data):
		return fmt.Errorf("--data %s: use one of %s", j.Data, strings.Join(dataNames(), ", "))
	case j.Shards < 1 || j.Cores < 1:
		return fmt.Errorf("--shards %d --cores %d: want at least 1 of each", j.Shards, j.Cores)
	case !imageName.MatchString(j.Image):
		return fmt.Errorf("--image %q is no name of an image, such as registry.example.org/lateral:latest", j.Image)
	}
	j.Last = j.Shards - 1
	t, err := template.ParseFS(jobFiles, file)
	if err != nil {
		return err
	}
	return t.Execute(out, j)
}
