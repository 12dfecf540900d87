// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestSweepJobs(t *testing.T) {
	for system, wants := range map[string][]string{
		"slurm": {"#SBATCH --array=0-15\n", "--shard \"$SLURM_ARRAY_TASK_ID/16\"",
			"the 2100 networks of the grid fc3 (paper)", "LATERAL_DATA"},
		"kubernetes": {"completions: 16\n", "--shard=$(JOB_COMPLETION_INDEX)/16\n", "name: lateral-fc3\n", "2100 networks"},
		"parallel":   {"while [ $shard -lt 16 ]; do\n", "--shard {}/16 ", "2100 networks", "LATERAL_DATA"},
	} {
		out, err := runSweep(t, t.Context(), "jobs", system, "--grid", "fc3", "--shards", "16")
		if err != nil {
			t.Fatal(err)
		}
		wants = append(wants, "results/fc3.jsonl", "/fc3.*-of-16.jsonl", "lateral sweep merge -o ", "SPDX-License-Identifier")
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("%s: the job lacks %q:\n%s", system, want, out)
			}
		}
		few, err := runSweep(t, t.Context(), "jobs", system, "--grid", "fc3", "--shards", "16", "--seeds", "5")
		if err != nil || !strings.Contains(few, "525 networks") || !strings.Contains(few, "--seeds") ||
			strings.Contains(out, "--seeds") {
			t.Errorf("%s, of five seeds: %v\n%s", system, err, few)
		}
		if strings.Contains(out, "{{") || strings.Contains(out, "<no value>") {
			t.Errorf("%s: a placeholder is left:\n%s", system, out)
		}
	}
}

func TestSweepJobsOfMixtures(t *testing.T) {
	out, err := runSweep(t, t.Context(), "jobs", "slurm", "--grid", "drmm", "--shards", "5")
	if err != nil || !strings.Contains(out, "the 45 networks of the grid drmm (paper)") ||
		!strings.Contains(out, "sweep run drmm --profile paper") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A job names the data of its grid.
func TestSweepJobsOfOtherData(t *testing.T) {
	for grid, data := range map[string]string{
		"fc1": "mnist", "sparsenet": "olshausen", "norm-images": "cifar10", "norm-lstm": "ptb", "norm-photos": "bsds500",
		"similarity": "objects-large", "similarity-omniglot": "omniglot", "kh19-photos": "cifar10",
	} {
		out, err := runSweep(t, t.Context(), "jobs", "slurm", "--grid", grid)
		if want := "sweep run " + grid + " --profile paper --data " + data + " "; err != nil || !strings.Contains(out, want) {
			t.Errorf("%v, want %q:\n%s", err, want, out)
		}
	}
}

// The scripts run with the stand-ins alone on the path, for Slurm, GNU parallel and the command itself: they need no
// other program than a shell.
func TestSweepJobScriptsRun(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs a shell")
	}
	// The stand-ins write down what they are asked to do.
	programs := map[string]string{
		"srun":     `echo "srun $@" >> "$LOG"`,
		"parallel": `read a; read b; echo "parallel $@: $a $b" >> "$LOG"`,
		"lateral":  `echo "lateral $@" >> "$LOG"`,
	}
	dir := t.TempDir()
	for name, body := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!"+sh+"\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for system, want := range map[string]string{
		"slurm": "srun --cpus-per-task=4 " + dir + "/lateral sweep run fc1 --profile paper --data mnist " +
			"--shard 3/8 --workers 4 --out " + dir + "/results/fc1.3-of-8.jsonl\n",
		"parallel": "parallel --sshloginfile hosts --jobs 1 --workdir " + dir + " --env LATERAL_DATA --line-buffer --tag " +
			"./lateral sweep run fc1 --profile paper --data mnist --shard {}/8 --out results/fc1.{}-of-8.jsonl: 0 1\n" +
			"lateral sweep merge -o results/fc1.jsonl results/fc1.*-of-8.jsonl\n",
	} {
		script, err := runSweep(t, t.Context(), "jobs", system)
		if err != nil {
			t.Fatal(err)
		}
		log := filepath.Join(dir, system+".log")
		cmd := exec.Command(sh, "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+dir, "LOG="+log,
			"SLURM_SUBMIT_DIR="+dir, "SLURM_ARRAY_TASK_ID=3", "SLURM_CPUS_PER_TASK=4")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", system, err, out)
		}
		if got, _ := os.ReadFile(log); string(got) != want {
			t.Errorf("%s runs\n%s\nwant\n%s", system, got, want)
		}
	}
}

// The manifests are what Kubernetes' API takes: a program that decodes them strictly, with the API's own types, says
// so.
func TestSweepJobsForKubernetes(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program with Kubernetes' API")
	}
	checker := filepath.Join(t.TempDir(), "kubernetes")
	build := exec.Command("go", "build", "-o", checker, ".")
	build.Dir = filepath.Join("testdata", "kubernetes")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("Kubernetes' API cannot be built here (it is downloaded once): %v\n%s", err, out)
	}
	check := func(manifest string) (string, error) {
		cmd := exec.Command(checker)
		cmd.Stdin = strings.NewReader(manifest)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	var manifest string
	for _, args := range [][]string{
		{},
		{"--grid", "drmm", "--seeds", "3", "--shards", "1", "--cores", "64"},
		{"--data", "glyphs", "--image", "localhost:5000/a_b/c:1.0"},
	} {
		var err error
		if manifest, err = runSweep(t, t.Context(), append([]string{"jobs", "kubernetes"}, args...)...); err != nil {
			t.Fatal(err)
		}
		grid := "fc1"
		if len(args) > 0 && args[0] == "--grid" {
			grid = args[1]
		}
		want := "PersistentVolumeClaim lateral-sweeps\nPod lateral-files\nJob lateral-" + grid + "\n"
		if out, err := check(manifest); err != nil || out != want {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	for was, is := range map[string]string{
		"  completions: ":            "  completion: ",
		"parallelism: 8":             "parallelism: eight",
		"      restartPolicy: Never": "  restartPolicy: Never",
		"storage: 1Gi":               "storage: 1Gx",
		"kind: Pod":                  "kind: Pot",
		"name: lateral-fc1":          "name: lateral_fc1",
	} {
		if !strings.Contains(manifest, was) {
			t.Errorf("the manifest lacks %q", was)
		}
		if out, err := check(strings.Replace(manifest, was, is, 1)); err == nil {
			t.Errorf("a manifest with %q is taken:\n%s", is, out)
		}
	}
}
