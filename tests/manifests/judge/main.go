// Command knative judges Knative's objects as Knative's own webhooks do: it fills in their defaults and validates them.
// It reads a JSON array of objects, and writes a line for each that would be refused.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	eventing "knative.dev/eventing/pkg/apis/eventing/v1"
	sources "knative.dev/eventing/pkg/apis/sources/v1"
	"knative.dev/pkg/apis"
	serving "knative.dev/serving/pkg/apis/serving/v1"
)

type judged interface {
	apis.Defaultable
	apis.Validatable
}

func kind(name string) judged {
	switch name {
	case "serving.knative.dev/v1 Service":
		return &serving.Service{}
	case "eventing.knative.dev/v1 Broker":
		return &eventing.Broker{}
	case "eventing.knative.dev/v1 Trigger":
		return &eventing.Trigger{}
	case "sources.knative.dev/v1 PingSource":
		return &sources.PingSource{}
	}
	return nil
}

func main() {
	var objects []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		fmt.Fprintln(os.Stderr, "error: what is to be judged is no JSON array:", err)
		os.Exit(2)
	}
	refused := false
	for _, object := range objects {
		var header struct {
			APIVersion, Kind string
			Metadata         struct{ Name string }
		}
		err := json.Unmarshal(object, &header)
		name := header.APIVersion + " " + header.Kind
		into := kind(name)
		if err == nil && into == nil {
			err = fmt.Errorf("no webhook is known for it")
		}
		if err == nil {
			err = json.Unmarshal(object, into)
		}
		if err == nil {
			ctx := apis.WithinCreate(context.Background())
			into.SetDefaults(ctx)
			if wrong := into.Validate(ctx); wrong != nil {
				err = wrong
			}
		}
		if err != nil {
			refused = true
			fmt.Printf("%s %s: %v\n", name, header.Metadata.Name, err)
		}
	}
	if refused {
		os.Exit(1)
	}
}
