using Xunit;

// Connections, memory and threads are counted for a whole process, and a fault is meant for one test.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
