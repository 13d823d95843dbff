// Command grafana judges dashboards by Grafana's own definitions of them and of the panels in them: what it does not know, or
// misses, it writes, a line each. Its arguments are files.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	for _, file := range os.Args[1:] {
		text, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, "error: a dashboard cannot be read:", err)
			os.Exit(2)
		}
		var board dashboard.Dashboard
		err = board.UnmarshalJSONStrict(text)
		if !wrong(err) {
			err = board.Validate()
		}
		if wrong(err) {
			fmt.Printf("%s: %v\n", file, err)
		}
	}
}

// A list of errors with none in it is no error.
func wrong(err error) bool { return err != nil && err.Error() != "" }
