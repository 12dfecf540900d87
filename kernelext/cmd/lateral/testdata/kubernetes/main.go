// SPDX-License-Identifier: Apache-2.0

// Command kubernetes decodes the YAML manifests on its standard input as the types of Kubernetes' API, strictly: a
// field that the API does not have, or has elsewhere, or a value of another type, is an error. It prints the objects.
//
// It is a module of its own, so that nobody who uses Lateral downloads that API.
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

func main() {
	log.SetFlags(0)
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	for i, document := range bytes.Split(text, []byte("\n---\n")) {
		if err := check(document); err != nil {
			log.Fatalf("document %d: %v", i+1, err)
		}
	}
}

func check(document []byte) error {
	var kind meta.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	var object meta.Object
	switch fmt.Sprint(kind.APIVersion, " ", kind.Kind) {
	case "v1 PersistentVolumeClaim":
		object = new(core.PersistentVolumeClaim)
	case "v1 Pod":
		object = new(core.Pod)
	case "batch/v1 Job":
		object = new(batch.Job)
	default:
		return fmt.Errorf("an object of kind %s in %s", kind.Kind, kind.APIVersion)
	}
	if err := yaml.UnmarshalStrict(document, object); err != nil {
		return err
	}
	if faults := validation.IsDNS1123Label(object.GetName()); len(faults) > 0 {
		return fmt.Errorf("the name %q: %s", object.GetName(), faults[0])
	}
	fmt.Println(kind.Kind, object.GetName())
	return nil
}
