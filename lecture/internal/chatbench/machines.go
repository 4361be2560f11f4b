package chatbench

import (
	"math"
	"time"

	"fopnp/internal/measured"
)

// Beside is the user and system time of the NATS server that runs beside a chat
// server.
const Beside = "nats-µs/delivery"

// Machines is the chat server for many machines.
const Machines = "chat_server_nats"

// MachinesBenchmark says under which names the data about Machines are stored.
// They are from a separate run, which also measures Base.
var MachinesBenchmark = measured.Benchmark{
	Name: "BenchmarkMachines", Package: "fopnp/lecture", File: "machines",
	Units: []string{CPU, Beside, Rate, Median, P99, Batch, GeneratorCPU},
}

// MachinesWorkloads lists the workloads of MachinesBenchmark.
var MachinesWorkloads = []Workload{
	{Name: "one", Servers: []string{Base, Machines}, Clients: []int{10, 100},
		Speakers: 1, Window: 250 * time.Millisecond},
	{Name: "twenty", Servers: []string{Base, Machines}, Clients: []int{10, 100},
		Speakers: 20, Window: 250 * time.Millisecond},
}

// LoadMachines reads the data about Machines in a folder.
func LoadMachines(folder string) (*Data, error) {
	data := new(Data)
	if err := MachinesBenchmark.Load(folder, data); err != nil {
		return nil, err
	}
	return data, nil
}

// SayMachines returns the text for a "measured machines" directive of the chat's
// page. The words are those of measured.Vocabulary, or "table", for a table of
// what a delivery costs and how long it takes.
func (d *Data) SayMachines(words ...string) (string, error) {
	if len(words) == 1 && words[0] == "table" {
		return d.machines(), nil
	}
	return vocabulary.Say(&d.Data, words...)
}

func (d *Data) machines() string {
	head := []string{"", "`" + Base + "`", "`" + Machines + "`", "and NATS"}
	var rows [][]string
	for _, load := range []column{
		{"one of 10 speaks", "one", 10, ""}, {"one of 100", "one", 100, ""},
		{"all 10 speak", "twenty", 10, ""}, {"twenty of 100", "twenty", 100, ""},
	} {
		for _, c := range []struct{ head, unit string }{
			{": a delivery costs", CPU}, {": the last client has half within", Median},
		} {
			row := []string{load.head + c.head}
			for _, server := range []string{Base, Machines} {
				row = append(row, d.cell(load.workload, load.clients, server, c.unit))
			}
			beside := measured.Nothing
			if v := d.Find(load.workload, load.clients, Machines).Best(Beside); c.unit == CPU && !math.IsNaN(v) {
				beside = inWords(v, Beside)
			}
			rows = append(rows, append(row, beside))
		}
	}
	return measured.Table(head, rows...)
}
