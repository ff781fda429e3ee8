using Comet.Cli;

return await CometCommandLine.RunAsync(args);
