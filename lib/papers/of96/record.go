// SPDX-License-Identifier: Apache-2.0

package of96

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/train"
)

// The files of a saved result.
const (
	atomsFile  = "dictionary.safetensors"
	recordFile = "record.json"
)

// A record holds what is saved besides the dictionary.
type record struct {
	Setting Setting
	History *train.History
	Metrics Metrics
}

// Save writes the dictionary, its history and its metrics to a folder.
func (r *Result) Save(dir string) error {
	text, err := json.Marshal(record{r.Setting, r.History, r.Metrics})
	if err != nil {
		return err
	}
	return errors.Join(r.Dictionary.Save(filepath.Join(dir, atomsFile)),
		durable.WriteFile(filepath.Join(dir, recordFile), durable.Seal(text)))
}

// Load reads what Save wrote.
func (r *Result) Load(dir string) error {
	path := filepath.Join(dir, recordFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var rec record
	if text, err = durable.Open(text); err == nil {
		err = json.Unmarshal(text, &rec)
	}
	if err != nil {
		return fmt.Errorf("of96: %s: %w", path, err)
	}
	size := rec.Setting.Size
	d, err := sparsecode.LoadDictionary(filepath.Join(dir, atomsFile), size, size)
	if err != nil {
		return err
	}
	*r = Result{rec.Setting, d, rec.History, rec.Metrics}
	return nil
}
