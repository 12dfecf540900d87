// SPDX-License-Identifier: Apache-2.0

//go:build !js

package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"
)

// newClient returns a client with timeouts for mirrors that do not answer.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 20 * time.Second,
		ForceAttemptHTTP2:     true,
	}}
}

type client = *http.Client

// transfer downloads to the file part. It continues at the end of part if the mirror can, and reports whether it did.
func (d *download) transfer(ctx context.Context, address, part string, size int64) (resumed bool, err error) {
	var have int64
	if info, err := os.Stat(part); err == nil {
		have = info.Size()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(d.stall, func() { cancel(fmt.Errorf("no answer for %v", d.stall)) })
	defer idle.Stop()
	resp, err := d.get(ctx, address, have)
	if err != nil {
		return false, cause(ctx, err)
	}
	defer resp.Body.Close()

	mode := os.O_WRONLY | os.O_CREATE
	switch {
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"),
		fmt.Sprintf("bytes %d-", have)):
		mode |= os.O_APPEND
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0:
		return true, nil // nothing follows the part: its check sum decides whether it is complete
	case resp.StatusCode == http.StatusOK:
		mode |= os.O_TRUNC
		have = 0
	default:
		return false, errors.New(resp.Status)
	}
	out, err := os.OpenFile(part, mode, 0o644)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()

	p := Progress{Set: d.set.Name, File: path.Base(address), Host: host(address), Done: have,
		Total: max(0, have+resp.ContentLength)}
	w := writerFunc(func(b []byte) (int, error) {
		idle.Reset(d.stall)
		n, err := out.Write(b)
		p.Done += int64(n)
		if d.report != nil {
			d.report(p)
		}
		return n, err
	})
	// Compression lengthens a file by very little, so a longer download is not the file.
	limit := size + size/64 + 1024 - have
	if n, err := io.Copy(w, io.LimitReader(resp.Body, limit+1)); err != nil {
		return have > 0, cause(ctx, err)
	} else if n > limit {
		return have > 0, errors.Join(fmt.Errorf("the download is longer than the %s bytes of the file", group(size)),
			out.Truncate(0))
	}
	return have > 0, nil
}

// get requests a file from byte have on.
func (d *download) get(ctx context.Context, address string, have int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity") // ranges count bytes as stored
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := d.client.Do(req)
	if e := new(url.Error); errors.As(err, &e) {
		err = e.Err // without the address, which the caller adds
	}
	return resp, err
}

// cause returns why a context ended, or err if it did not end.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
