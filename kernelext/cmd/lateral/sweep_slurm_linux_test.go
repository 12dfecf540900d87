// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// A job file runs to its end on Slurm itself, on a cluster of this machine alone: each task gets the cores that it asks
// for, and submitted again the file finds nothing left to do. Needs Debian's packages slurm-wlm and munge.
func TestSlurmRunsAJobFile(t *testing.T) {
	long(t, "starts a Slurm cluster and trains networks")
	if runtime.NumCPU() < 2 {
		t.Skip("the tasks want two cores")
	}
	c := startSlurm(t)
	program := filepath.Join(c.dir, "program")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// It notes the cores that its step may use.
	script := "#!/bin/sh\nnproc >> \"$SLURM_SUBMIT_DIR/cores\"\nexec " + program + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(c.dir, "lateral"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(c.dir, "results"), 0o755); err != nil {
		t.Fatal(err)
	}
	job, err := runSweep(t, t.Context(), "jobs", "slurm", "--grid", "fc1", "--profile", "quick", "--seeds", "1",
		"--data", "glyphs", "--shards", "2", "--cores", "2")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "fc1.sh"), []byte(job), 0o644); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string {
		text, _ := os.ReadFile(filepath.Join(c.dir, name))
		return string(text)
	}
	for range 2 {
		out, err := c.command("sbatch", "--wait", "fc1.sh").CombinedOutput()
		if err != nil {
			t.Fatalf("sbatch: %v: %s\n%s%s", err, out, file("results/fc1.0-of-2.log"), file("results/fc1.1-of-2.log"))
		}
	}
	if got := file("cores"); got != "2\n2\n2\n2\n" {
		t.Errorf("the steps may use these numbers of cores, want 2 each time:\n%s", got)
	}
	for i, n := range []int{8, 7} {
		log := file(fmt.Sprintf("results/fc1.%d-of-2.log", i))
		for _, want := range []string{
			fmt.Sprintf("0 of %d results are there, %[1]d networks to train, 2 at a time", n),
			fmt.Sprintf("%d of %[1]d results are there, 0 networks to train", n),
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log of task %d lacks %q:\n%s", i, want, log)
			}
		}
	}
	merged := filepath.Join(c.dir, "results", "fc1.jsonl")
	out, err := runSweep(t, t.Context(), "merge", "-o", merged, strings.TrimSuffix(merged, ".jsonl")+".0-of-2.jsonl",
		strings.TrimSuffix(merged, ".jsonl")+".1-of-2.jsonl")
	if err != nil || out != "15 results in "+merged+"\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// A slurm is a cluster of one node, this machine, with all its files in one folder.
type slurm struct{ dir string }

// slurmConf is as small as it can be: no accounting, no control groups, each task bound to the cores of its step.
var slurmConf = template.Must(template.New("slurm.conf").Parse(`ClusterName=lateral
SlurmctldHost={{.Host}}(127.0.0.1)
SlurmctldPort={{index .Ports 0}}
SlurmdPort={{index .Ports 1}}
AuthType=auth/munge
AuthInfo=socket={{.Dir}}/munge.socket
SlurmUser={{.User}}
SlurmdUser={{.User}}
StateSaveLocation={{.Dir}}/state
SlurmdSpoolDir={{.Dir}}/spool
SlurmctldPidFile={{.Dir}}/slurmctld.pid
SlurmdPidFile={{.Dir}}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
TaskPluginParam=Threads
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MailProg=/bin/true
NodeName={{.Host}} NodeAddr=127.0.0.1 CPUs=2 RealMemory=100000
PartitionName=main Nodes=ALL Default=YES State=UP
`))

// startSlurm starts the daemons, for the time of the test, or skips it where they are not installed.
func startSlurm(t *testing.T) *slurm {
	t.Helper()
	programs := map[string]string{}
	for _, name := range []string{"munged", "slurmctld", "slurmd", "sbatch", "srun", "sinfo"} {
		path, err := exec.LookPath(name)
		if err != nil {
			path, err = exec.LookPath(filepath.Join("/usr/sbin", name))
		}
		if err != nil {
			t.Skipf("needs Slurm (Debian's packages slurm-wlm and munge): %s is not there", name)
		}
		programs[name] = path
	}
	dir, err := os.MkdirTemp("", "slurm") // not t.TempDir: the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // munged wants its socket where everybody can reach it
		t.Fatal(err)
	}
	c := &slurm{dir}
	c.configure(t)

	runtime.LockOSThread() // the daemons end with the thread that started them, whatever becomes of the test
	t.Cleanup(runtime.UnlockOSThread)
	c.daemon(t, programs["munged"], "--foreground", "--key-file="+dir+"/munge.key", "--socket="+dir+"/munge.socket",
		"--pid-file="+dir+"/munged.pid", "--log-file="+dir+"/munged.log", "--seed-file="+dir+"/munged.seed")
	c.await(t, "munged's socket", func() bool {
		_, err := os.Stat(filepath.Join(dir, "munge.socket"))
		return err == nil
	})
	c.daemon(t, programs["slurmctld"], "-D")
	c.daemon(t, programs["slurmd"], "-D")
	c.await(t, "an idle node", func() bool {
		state, _ := c.command("sinfo", "--noheader", "--format=%T").Output()
		return strings.TrimSpace(string(state)) == "idle"
	})
	return c
}

// await returns when something is there, and shows what the daemons say if it does not come.
func (c *slurm) await(t *testing.T, what string, there func() bool) {
	t.Helper()
	for start := time.Now(); !there(); time.Sleep(100 * time.Millisecond) {
		if time.Since(start) > 30*time.Second {
			logs, _ := filepath.Glob(filepath.Join(c.dir, "*.out"))
			for _, log := range logs {
				text, _ := os.ReadFile(log)
				t.Logf("%s:\n%.2000s", filepath.Base(log), text)
			}
			t.Fatalf("%s does not come", what)
		}
	}
}

// configure writes the configuration and the key.
func (c *slurm) configure(t *testing.T) {
	t.Helper()
	key := make([]byte, 128)
	rand.Read(key)
	host, err1 := os.Hostname()
	who, err2 := user.Current()
	ports, err3 := freePorts(2)
	conf, err4 := os.Create(filepath.Join(c.dir, "slurm.conf"))
	err5 := os.WriteFile(filepath.Join(c.dir, "munge.key"), key, 0o600)
	if err := cmp.Or(err1, err2, err3, err4, err5, os.Mkdir(filepath.Join(c.dir, "state"), 0o755)); err != nil {
		t.Fatal(err)
	}
	defer conf.Close()
	host, _, _ = strings.Cut(host, ".")
	err := slurmConf.Execute(conf, map[string]any{"Host": host, "User": who.Username, "Dir": c.dir, "Ports": ports})
	if err != nil {
		t.Fatal(err)
	}
}

// freePorts returns ports on which nobody listens.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// daemon starts a program that ends with the test.
func (c *slurm) daemon(t *testing.T, program string, args ...string) {
	t.Helper()
	out, err := os.Create(filepath.Join(c.dir, filepath.Base(program)+".out"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := c.command(program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait()
		kill.Stop()
		out.Close()
	})
}

// command returns a command in the folder of the cluster.
func (c *slurm) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "SLURM_CONF="+filepath.Join(c.dir, "slurm.conf"), "LATERAL_DATA=")
	return cmd
}
