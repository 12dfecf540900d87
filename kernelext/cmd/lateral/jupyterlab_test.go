// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A lab is a Jupyter server with directories, a kernel specification and a port of its own.
type lab struct {
	t    *testing.T
	dir  string // all its files; the notebooks are in work below it
	home string // address of the server
	key  string // token
	cmd  *exec.Cmd
	log  syncBuffer
	done chan struct{} // closed once the server has ended
}

// syncBuffer is a bytes.Buffer for a writer and a reader at the same time.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// jupyterLab4 returns the jupyter program of LATERAL_JUPYTER or PATH, if it has JupyterLab 4; otherwise why not.
func jupyterLab4() (program, reason string) {
	program = os.Getenv("LATERAL_JUPYTER")
	if program == "" {
		program = "jupyter"
	}
	program, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Sprintf("no JupyterLab 4 on PATH or in LATERAL_JUPYTER: %v", err)
	}
	version, err := exec.Command(program, "lab", "--version").Output()
	if err != nil || !strings.HasPrefix(string(version), "4.") {
		return "", fmt.Sprintf("%s has no JupyterLab 4 (version %q, %v)", program, bytes.TrimSpace(version), err)
	}
	return program, ""
}

// startLab installs the kernel with this command and serves dir/work in JupyterLab until the test ends, as a hub does:
// over https and below a path.
func startLab(t *testing.T, jupyter string, environment ...string) *lab {
	return startServer(t, func(l *lab, port int) []string {
		l.home = strings.Replace(l.home, "http:", "https:", 1) + "/user/somebody"
		l.certify()
		return []string{jupyter, "lab", "--no-browser", "--allow-root",
			"--ServerApp.ip=127.0.0.1", fmt.Sprintf("--ServerApp.port=%d", port), "--ServerApp.port_retries=0",
			"--IdentityProvider.token=" + l.key, "--ServerApp.root_dir=" + filepath.Join(l.dir, "work"),
			"--ServerApp.base_url=/user/somebody/", "--ServerApp.certfile=" + filepath.Join(l.dir, "certificate"),
			"--ServerApp.keyfile=" + filepath.Join(l.dir, "key"),
			"--LabApp.expose_app_in_browser=True"} // as window.jupyterapp
	}, environment...)
}

// certify writes a certificate for this machine that only this test trusts, and its key.
func (l *lab) certify() {
	l.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		l.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		l.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		l.t.Fatal(err)
	}
	l.write("certificate", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	l.write("key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

// startClassic does the same over http in the classic notebook.
func startClassic(t *testing.T, notebook string, environment ...string) *lab {
	return startServer(t, func(l *lab, port int) []string {
		return []string{notebook, "--no-browser", "--allow-root",
			"--NotebookApp.ip=127.0.0.1", fmt.Sprintf("--NotebookApp.port=%d", port), "--NotebookApp.port_retries=0",
			"--NotebookApp.token=" + l.key, "--NotebookApp.notebook_dir=" + filepath.Join(l.dir, "work")}
	}, environment...)
}

// startServer installs the kernel and starts a server. Every process that it starts, kernels included, has the
// environment variable TMPDIR=dir/tmp, by which stragglers are found.
func startServer(t *testing.T, command func(l *lab, port int) []string, environment ...string) *lab {
	l := &lab{t: t, dir: t.TempDir(), key: rand.Text(), done: make(chan struct{})}
	if err := os.Mkdir(filepath.Join(l.dir, "work"), 0o777); err != nil {
		t.Fatal(err)
	}
	l.write("config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings",
		`{"fetchNews": "false", "checkForUpdates": false}`) // else it asks
	env := append(installKernelIn(t, l.dir), environment...)

	port := freePort(t)
	l.home = fmt.Sprintf("http://127.0.0.1:%d", port)
	argv := command(l, port)
	l.cmd = exec.Command(argv[0], argv[1:]...)
	l.cmd.Env = env
	l.cmd.Stdout, l.cmd.Stderr = &l.log, &l.log
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		l.cmd.Wait()
		close(l.done)
	}()
	t.Cleanup(l.stop)
	l.waitUntilServing()
	return l
}

// installKernelIn builds this command in dir and installs its kernel there. The environment that it returns keeps
// Jupyter away from the user's own files.
func installKernelIn(t *testing.T, dir string) []string {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	env := append(os.Environ(), "JUPYTER_DATA_DIR="+at("data"), "JUPYTER_RUNTIME_DIR="+at("runtime"),
		"JUPYTER_CONFIG_DIR="+at("config"),
		"IPYTHONDIR="+at("ipython"), "TMPDIR="+at("tmp"))
	if err := os.MkdirAll(at("tmp"), 0o777); err != nil {
		t.Fatal(err)
	}
	mustRun(t, env, "go", "build", "-o", at("lateral"), ".")
	mustRun(t, env, at("lateral"), "kernel", "install")
	return env
}

// write writes a file below the server's directory.
func (l *lab) write(name, content string) {
	l.t.Helper()
	path := filepath.Join(l.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		l.t.Fatal(err)
	}
}

// mustRun runs a command that must succeed, and returns what it says.
func mustRun(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out)
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// page returns the address at which a browser finds a notebook.
func (l *lab) page(notebook string) string {
	return l.home + "/lab/tree/" + notebook + "?token=" + l.key
}

func (l *lab) waitUntilServing() {
	ctx, cancel := context.WithTimeout(l.t.Context(), 2*time.Minute)
	defer cancel()
	// our own server
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.home+"/api?token="+l.key, nil)
		if err != nil {
			l.t.Fatal(err)
		}
		if response, err := client.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-l.done:
			l.t.Fatalf("Jupyter ended before it served:\n%s", l.log.String())
		case <-ctx.Done():
			l.t.Fatalf("Jupyter does not answer:\n%s", l.log.String())
		}
	}
}

// stop ends the server, which ends its kernels, and fails the test if anything survives.
func (l *lab) stop() {
	if l.t.Failed() {
		lines := strings.Split(strings.TrimSpace(l.log.String()), "\n")
		l.t.Logf("the last that Jupyter said:\n%s", strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
	l.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-l.done:
	case <-time.After(20 * time.Second):
		l.t.Error("Jupyter does not end")
		syscall.Kill(-l.cmd.Process.Pid, syscall.SIGKILL)
		<-l.done
	}
	left := l.stragglers()
	for deadline := time.Now().Add(15 * time.Second); len(left) > 0 && time.Now().Before(deadline); left = l.stragglers() {
		time.Sleep(100 * time.Millisecond)
	}
	for pid, command := range left {
		l.t.Errorf("left behind: process %d, %s", pid, command)
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

var processDir = regexp.MustCompile(`^/proc/(\d+)/environ$`)

// stragglers returns the processes that still run with this server's TMPDIR or one below it. Only Linux tells.
func (l *lab) stragglers() map[int]string {
	left := map[int]string{}
	if runtime.GOOS != "linux" {
		return left
	}
	files, err := filepath.Glob("/proc/*/environ")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, file := range files {
		environ, err := os.ReadFile(file)
		pid := 0
		if m := processDir.FindStringSubmatch(file); err != nil || m == nil ||
			!bytes.Contains(environ, []byte("TMPDIR="+l.dir)) {
			continue // ended meanwhile, another user's, or not ours
		} else if _, err := fmt.Sscan(m[1], &pid); err != nil {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline")) // empty for one that just ended
		if len(command) > 0 {
			left[pid] = string(bytes.ReplaceAll(command, []byte{0}, []byte{' '}))
		}
	}
	return left
}
